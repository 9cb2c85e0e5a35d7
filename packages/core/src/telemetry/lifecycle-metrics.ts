import { histogram } from './instrument.ts'

/** A phase of a start or a stop that has ended. */
export interface EndedPhase {
  readonly service: string
  readonly stage: 'start' | 'stop'
  readonly name: string
  readonly durationMs: number
  readonly error: Error | undefined
}

/** Records how long a phase took. */
export function recordPhase({ service, stage, name, durationMs, error }: EndedPhase): void {
  histogram('tenon.lifecycle.phase.duration').record(durationMs / 1_000, {
    'tenon.service': service,
    'tenon.lifecycle.stage': stage,
    'tenon.lifecycle.phase': name,
    ...(error && { 'error.type': error.name }),
  })
}
