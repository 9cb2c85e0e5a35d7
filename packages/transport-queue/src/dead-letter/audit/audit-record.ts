import { isRecord } from '@tenon/core/transport'
import { asBuffer } from '../../bytes.ts'
import { headerText } from '../../read/message-headers.ts'
import type { RecordHeader, RecordToSend } from '../../queue-driver.ts'
import { deadLetterTopic } from '../dead-letter.ts'
import type { LetterOwner } from '../letter-position.ts'

/** A step of redriving dead letters, as it is stored. Every step names its run. */
export type AuditStep = BegunStep | IntendedStep | RedrivenStep | SettledStep | EndedStep

/** Somebody redrives. From here on every older run is over. */
export interface BegunStep extends StepBase {
  readonly kind: 'begun'
  readonly by: string
  readonly selection: Readonly<Record<string, unknown>>
}

/** These letters are sent next, into a topic that ends here. */
export interface IntendedStep extends StepBase {
  readonly kind: 'intended'
  /** Counts the steps of this kind in a run. */
  readonly batch: number
  readonly letters: readonly AuditedLetter[]
  /** The next offset of each partition of the source topic. */
  readonly ends: Readonly<Record<string, number>>
  /** How long after this something of it may still arrive. Audits of older versions do not say. */
  readonly arrivesWithinMs?: number
}

/** What was intended with this number has been stored. */
export interface RedrivenStep extends StepBase {
  readonly kind: 'redriven'
  readonly batch: number
}

/** What an older run intended last, and never told the end of. */
export interface SettledStep extends StepBase {
  readonly kind: 'settled'
  readonly settledRun: string
  /** The places of the letters that were found in the source topic, and of those that cannot be looked for any more. */
  readonly found: readonly string[]
  readonly uncertain: readonly string[]
}

export interface EndedStep extends StepBase {
  readonly kind: 'ended'
  readonly result: RunResult
  /** Why it did not come to its end. */
  readonly error?: string
}

/** `complete`; `replaced` by a newer run; `cancelled` by its signal; `failed`. */
export type RunResult = 'complete' | 'replaced' | 'cancelled' | 'failed'

/** A letter as the audit names it. */
export interface AuditedLetter {
  /** Its place in the topic of dead letters: `0@17`. */
  readonly place: string
  /** Its message: `0@5@1700000000123`, the place in the source topic and the time. */
  readonly source: string
  /** What was changed: `value`, `key`, `header x-tenant`. */
  readonly patched?: readonly string[]
}

interface StepBase {
  readonly run: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** Where it is told who redrove the dead letters of a group: in its only partition. */
export function auditTopic({ topic, group }: LetterOwner): string {
  return `${deadLetterTopic(topic, group)}.audit`
}

export function toRecord(owner: LetterOwner, step: AuditStep): RecordToSend {
  const { run, at, ...rest } = step
  const headers = { [kindHeader]: step.kind, 'content-type': 'application/json' }
  return {
    topic: auditTopic(owner),
    partition: 0,
    key: null,
    value: Buffer.from(JSON.stringify({ run, at: new Date(at).toISOString(), ...rest })),
    headers: Object.entries(headers).map(([name, text]): RecordHeader => [name, Buffer.from(text)]),
  }
}

/** Undefined for what is no step, such as a dead letter of a group whose name ends in `.audit`. */
export function readStep({ value, headers }: Pick<RecordToSend, 'value' | 'headers'>): AuditStep | undefined {
  if (value === null || headerText(headers, kindHeader) === undefined) return undefined
  const given = parse(value)
  const at = isRecord(given) && typeof given['at'] === 'string' ? Date.parse(given['at']) : Number.NaN
  const step: unknown = isRecord(given) ? { ...given, at } : undefined
  return isStep(step) ? step : undefined
}

const kindHeader = 'tenon-redrive-audit'

function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(asBuffer(value).toString())
  } catch {
    return undefined
  }
}

/** Whether a step has all that its kind must have. */
function isStep(step: unknown): step is AuditStep {
  if (!isRecord(step) || typeof step['run'] !== 'string' || Number.isNaN(step['at'])) return false
  return typeof step['kind'] === 'string' && forms.get(step['kind'])?.(step) === true
}

type Form = (step: Readonly<Record<string, unknown>>) => boolean

const forms = new Map<string, Form>([
  ['begun', ({ by, selection }) => typeof by === 'string' && isRecord(selection)],
  [
    'intended',
    ({ batch, letters, ends, arrivesWithinMs = 0 }) =>
      Number.isInteger(batch) &&
      Array.isArray(letters) &&
      letters.every(isLetter) &&
      isRecord(ends) &&
      Number.isInteger(arrivesWithinMs),
  ],
  ['redriven', ({ batch }) => Number.isInteger(batch)],
  [
    'settled',
    ({ settledRun, found, uncertain }) => typeof settledRun === 'string' && isTexts(found) && isTexts(uncertain),
  ],
  ['ended', ({ result }) => typeof result === 'string'],
])

function isLetter(letter: unknown): letter is AuditedLetter {
  if (!isRecord(letter)) return false
  const { place, source, patched } = letter
  return typeof place === 'string' && typeof source === 'string' && (patched === undefined || isTexts(patched))
}

function isTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((one) => typeof one === 'string')
}
