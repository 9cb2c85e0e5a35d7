/**
 * The phases of a start, in their order; those of hooks and of telemetry where there are any. One that fails or is given up ends the start. `onReady`
 * comes later where the service is ready later.
 */
export const startPhases = Object.freeze([
  'read settings',
  'start telemetry',
  'plan',
  'open admin server',
  'create providers',
  'construct handlers',
  'onStart',
  'first checks',
  'listen',
  'announce',
  'onReady',
] as const)

/**
 * The phases of a stop, in their order. Each that there is something for is run, whatever became of those before it. A start that
 * failed before the service was ready is undone by `cut calls` and those from `close transports` on.
 */
export const stopPhases = Object.freeze([
  'cut calls',
  'withdraw',
  'deregister',
  'deregister delay',
  'wait for other services',
  'onDrain',
  'drain',
  'close transports',
  'onStop',
  'dispose providers',
  'flush telemetry',
  'close admin server',
] as const)

/** The phases of a stop whose failure makes the exit code 1. A collector that is away costs nobody's work: it is told of. */
export const decisiveStopPhases: readonly PhaseReport['phase'][] = Object.freeze(
  stopPhases.filter((phase) => phase !== 'flush telemetry'),
)

export type StartPhaseName = (typeof startPhases)[number]
export type StopPhaseName = (typeof stopPhases)[number]

/** Which way of a process a phase belongs to. */
export type PhaseStage = 'start' | 'stop'

/** How long a phase took, and how it ended. */
export interface PhaseReport {
  readonly phase: StartPhaseName | StopPhaseName
  readonly durationMs: number
  /** How long it might have taken: its part of the one deadline over all, as it was when the phase began. */
  readonly budgetMs: number
  readonly error: Error | undefined
}

/** A phase as `/info` shows it. */
export interface PhaseState {
  readonly stage: PhaseStage
  readonly name: StartPhaseName | StopPhaseName
  /** `running` also while a phase is given up that does not end. */
  readonly state: 'running' | 'done' | 'failed'
  /** Until now, of one that runs. */
  readonly durationMs: number
  readonly budgetMs: number
  /** What was wrong, in one line. */
  readonly error?: string
}
