import type {
  AuditedLetter,
  AuditStep,
  BegunStep,
  EndedStep,
  IntendedStep,
  RedrivenStep,
  SettledStep,
} from './audit-record.ts'

/** What is known of one run. */
export interface AuditedRun {
  readonly begun: BegunStep
  /** What it put back, in its order. */
  readonly redriven: readonly RedrivenLetter[]
  /** What it may have put back. */
  readonly uncertain: readonly AuditedLetter[]
  /** What it was about to put back, as far as it told. */
  readonly open: IntendedStep | undefined
  readonly ended: EndedStep | undefined
}

export interface RedrivenLetter extends AuditedLetter {
  /** When it was known to be stored, in epoch milliseconds. */
  readonly redrivenAt: number
}

interface Run extends AuditedRun {
  readonly redriven: RedrivenLetter[]
  readonly uncertain: AuditedLetter[]
  open: IntendedStep | undefined
  ended: EndedStep | undefined
  /** The last batch whose outcome is known. */
  closedBatch: number
}

/** What all steps together say. Steps are added in their order; one that comes twice changes nothing. */
export class AuditTrail {
  readonly #runs = new Map<string, Run>()
  /** By what tells messages apart: one may have been given up twice. */
  readonly #redriven = new Set<string>()
  readonly #uncertain = new Set<string>()
  #newest: BegunStep | undefined

  /** The run that began last. */
  get newest(): BegunStep | undefined {
    return this.#newest
  }

  /** In the order in which they began. */
  get runs(): readonly AuditedRun[] {
    return [...this.#runs.values()]
  }

  add(step: AuditStep): void {
    if (step.kind === 'begun') return this.#begin(step)
    if (step.kind === 'settled') return this.#settle(step)
    const run = this.#runs.get(step.run)
    if (run === undefined) return
    if (step.kind === 'ended') run.ended = step
    else if (step.kind === 'redriven') this.#redrive(run, step)
    else if (step.batch > run.closedBatch) run.open = step
  }

  /** Whether a letter, or another one of the same message, was put back. */
  isRedriven(letter: AuditedLetter): boolean {
    return this.#redriven.has(messageKey(letter))
  }

  /** Whether nobody can tell any more if it was. */
  isUncertain(letter: AuditedLetter): boolean {
    return this.#uncertain.has(messageKey(letter))
  }

  #begin(step: BegunStep): void {
    if (this.#runs.has(step.run)) return
    this.#newest = step
    this.#runs.set(step.run, {
      begun: step,
      redriven: [],
      uncertain: [],
      open: undefined,
      ended: undefined,
      closedBatch: 0,
    })
  }

  #redrive(run: Run, { batch, at }: RedrivenStep): void {
    if (run.open?.batch !== batch) return
    this.#close(run, { redrivenAt: at, isFound: () => true, isUncertain: () => false })
  }

  #settle({ settledRun, found, uncertain, at }: SettledStep): void {
    const run = this.#runs.get(settledRun)
    if (run === undefined) return
    const [isFound, isUncertain] = [new Set(found), new Set(uncertain)]
    this.#close(run, {
      redrivenAt: at,
      isFound: ({ place }) => isFound.has(place),
      isUncertain: ({ place }) => isUncertain.has(place),
    })
  }

  #close(run: Run, { redrivenAt, isFound, isUncertain }: Closing): void {
    const { letters = [], batch = run.closedBatch } = run.open ?? {}
    run.open = undefined
    run.closedBatch = batch
    for (const letter of letters) {
      if (isFound(letter)) {
        run.redriven.push({ ...letter, redrivenAt })
        this.#redriven.add(messageKey(letter))
      } else if (isUncertain(letter)) {
        run.uncertain.push(letter)
        this.#uncertain.add(messageKey(letter))
      }
    }
  }
}

interface Closing {
  readonly redrivenAt: number
  readonly isFound: (letter: AuditedLetter) => boolean
  readonly isUncertain: (letter: AuditedLetter) => boolean
}

/**
 * What letters of one message have in common, and no others. The place of a letter is none, because others lie there once their topic
 * was created anew; it has to help where nobody knows when the message was stored.
 */
export function messageKey({ place, source }: AuditedLetter): string {
  return source.endsWith('@') ? `${source} ${place}` : source
}
