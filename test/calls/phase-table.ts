import type { EndedCall } from './open-calls.ts'

/** The calls of one caller. */
export interface MadeCalls {
  readonly protocol: string
  readonly policy: string
  readonly calls: readonly EndedCall[]
}

/** What came of the calls of each phase, for people. Times and `failed` are of those that may be made again; of the others `not idempotent` tells how many failed. */
export function phaseTable(made: readonly MadeCalls[]): string {
  const phases = [...new Set(made.flatMap(({ calls }) => calls.map(({ phase }) => phase)))]
  const rows = phases.flatMap((phase) =>
    made.map(({ protocol, policy, calls }) => [
      phase,
      protocol,
      policy,
      ...figuresOf(calls.filter((call) => call.phase === phase)),
    ]),
  )
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('')
}

/** Whether a call may be made again, whatever it failed with. */
export function isRepeatable({ kind, failure }: EndedCall): boolean {
  return kind !== 'add' && failure !== 'cut stream'
}

export function failedOf(calls: readonly EndedCall[]): readonly EndedCall[] {
  return calls.filter(({ failure }) => failure !== undefined)
}

const head = [
  'phase',
  'over',
  'caller',
  'calls',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'failed',
  'streams cut',
  'not idempotent',
]

function figuresOf(calls: readonly EndedCall[]): readonly string[] {
  const repeatable = calls.filter(isRepeatable)
  const others = calls.filter(({ kind }) => kind === 'add')
  const tookMs = repeatable.map((call) => call.tookMs).toSorted((one, other) => one - other)
  const at = (ratio: number) => (tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * ratio))] ?? 0).toFixed(0)
  const cutCount = calls.filter(({ failure }) => failure === 'cut stream').length
  const ofOthers = `${failedOf(others).length} of ${others.length}`
  return [
    String(repeatable.length),
    at(0.5),
    at(0.99),
    at(0.999),
    String(failedOf(repeatable).length),
    String(cutCount),
    ofOthers,
  ]
}
