import type { Outcome } from '../../call/arrival.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { Logger } from '../../telemetry/log.ts'
import { RunningSchedule, type ScheduleEndpoint, type ScheduleState } from './running-schedule.ts'

export interface SchedulesOptions {
  /** Name of the service. */
  readonly service: string
  readonly log: Logger
  /** Whether they run at their moments, or only when they are asked to. */
  readonly areTimed: boolean
}

/** The schedules of one start of a service. */
export class Schedules {
  readonly #schedules: readonly RunningSchedule[]
  readonly #areTimed: boolean

  constructor(endpoints: readonly ScheduleEndpoint[], { service, log, areTimed }: SchedulesOptions) {
    this.#areTimed = areTimed
    this.#schedules = endpoints.map((endpoint) => new RunningSchedule(endpoint, { service, log }))
  }

  get states(): readonly ScheduleState[] {
    return this.#schedules.map(({ state }) => state)
  }

  /** The service is ready. */
  begin(): void {
    if (!this.#areTimed) return
    for (const schedule of this.#schedules) schedule.begin()
  }

  /** The service is about to stop: no run begins any more. */
  end(): void {
    for (const schedule of this.#schedules) schedule.end()
  }

  /** Runs one now. @throws ServiceError `not_found` */
  async run(name: string): Promise<Outcome> {
    const schedule = this.#schedules.find((one) => one.name === name)
    if (schedule) return schedule.run(Date.now())
    const known = this.#schedules.map((one) => one.name).join(', ') || 'none'
    throw new ServiceError('not_found', `no schedule of the service is named ${name}, it has: ${known}`)
  }
}
