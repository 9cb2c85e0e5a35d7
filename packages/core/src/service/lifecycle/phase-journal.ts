import { channel } from 'node:diagnostics_channel'
import type { Logger } from '../../telemetry/log.ts'
import { recordPhase } from '../../telemetry/lifecycle-metrics.ts'
import type { PhaseReport, PhaseStage, PhaseState, StartPhaseName, StopPhaseName } from './phase.ts'

export interface PhaseJournalOptions {
  /** Name of the service. */
  readonly service: string
  readonly log: Logger
  /** Takes out of a text what nobody may see. */
  readonly hide: (text: string) => string
}

/** A phase that is to be run. */
export interface Phase {
  readonly stage: PhaseStage
  readonly name: StartPhaseName | StopPhaseName
  readonly budgetMs: number
}

/** What is published where a phase begins and where it ends. */
export interface PhaseEvent extends Phase {
  /** Name of the service. */
  readonly service: string
  readonly at: 'begin' | 'end'
}

/** Name of the diagnostics channel on which each begin and end of a phase is published, as it happens. */
export const phaseChannelName = 'tenon.lifecycle.phase'

const phaseChannel = channel(phaseChannelName)

/** Runs phases, and tells of each of them: once in the log, as a metric, on a diagnostics channel and to who asks. */
export class PhaseJournal {
  readonly #options: PhaseJournalOptions
  readonly #notes: Note[] = []

  constructor(options: PhaseJournalOptions) {
    this.#options = options
  }

  /** All that have begun, in their order. */
  get states(): readonly PhaseState[] {
    return this.#notes.map(({ phase, startedAtMs, report }) => ({
      stage: phase.stage,
      name: phase.name,
      state: report === undefined ? 'running' : report.error ? 'failed' : 'done',
      durationMs: report?.durationMs ?? Math.round(performance.now() - startedAtMs),
      budgetMs: Math.round(phase.budgetMs),
      ...(report?.error && { error: this.#options.hide(inOneLine(report.error)) }),
    }))
  }

  /**
   * Runs a phase to its end. What ends a start is left to who undoes it to tell.
   *
   * @throws what the phase throws.
   */
  async run<Result>(phase: Phase, work: () => Result | Promise<Result>): Promise<Result> {
    const note: Note = { phase, startedAtMs: performance.now(), report: undefined }
    this.#notes.push(note)
    this.#publish(phase, 'begin')
    try {
      const result = await work()
      this.#end(note, undefined)
      return result
    } catch (thrown) {
      this.#end(note, thrown instanceof Error ? thrown : new Error(String(thrown)))
      throw thrown
    }
  }

  /** Notes a phase that ended well before there was a journal. */
  note(phase: Phase, startedAtMs: number): void {
    const note: Note = { phase, startedAtMs, report: undefined }
    this.#notes.push(note)
    this.#publish(phase, 'begin')
    this.#end(note, undefined)
  }

  /** How the phases of a stage that have ended did. */
  reportsOf(stage: PhaseStage): readonly PhaseReport[] {
    return this.#notes.flatMap(({ phase, report }) => (phase.stage === stage && report ? [report] : []))
  }

  #end(note: Note, error: Error | undefined): void {
    const { phase, startedAtMs } = note
    const durationMs = Math.round(performance.now() - startedAtMs)
    note.report = { phase: phase.name, durationMs, budgetMs: Math.round(phase.budgetMs), error }
    recordPhase({ ...phase, service: this.#options.service, durationMs, error })
    this.#log(phase, note.report)
    this.#publish(phase, 'end')
  }

  #log({ stage, name }: Phase, { durationMs, budgetMs, error }: PhaseReport): void {
    const { log } = this.#options
    const fields = { stage, phase: name, durationMs, budgetMs }
    if (error === undefined) log.info(fields, `${stage}: ${name}`)
    else if (stage === 'start') log.warn({ ...fields, reason: inOneLine(error) }, `${stage}: ${name} did not succeed`)
    else log.error({ ...fields, err: error }, `${stage}: ${name} failed`)
  }

  #publish(phase: Phase, at: PhaseEvent['at']): void {
    if (!phaseChannel.hasSubscribers) return
    const event: PhaseEvent = { ...phase, service: this.#options.service, at }
    phaseChannel.publish(event)
  }
}

interface Note {
  readonly phase: Phase
  /** On the clock of `performance.now()`. */
  readonly startedAtMs: number
  report: PhaseReport | undefined
}

/** An error of many names all that failed. */
function inOneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof AggregateError)) return error.message
  return `${error.message}: ${error.errors.map(inOneLine).join('; ')}`
}
