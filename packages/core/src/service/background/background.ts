import { throwErrors } from '../lifecycle/servers.ts'
import type { Condition } from '../health/condition.ts'
import type { BoundTask } from './bound-tasks.ts'
import { SupervisedTask, type SupervisedTaskOptions, type TaskState } from './supervised-task.ts'

/** The background tasks of one start of a service. */
export class Background {
  readonly #tasks: readonly SupervisedTask[]

  constructor(tasks: readonly BoundTask[], options: SupervisedTaskOptions) {
    this.#tasks = tasks.map((task) => new SupervisedTask(task, options))
  }

  get states(): readonly TaskState[] {
    return this.#tasks.map(({ state }) => state)
  }

  /** What probes go by: a task that has failed for good needs a new process. */
  get conditions(): readonly Condition[] {
    return this.states.map(({ name, state, failure }) => ({
      name: `task ${name}`,
      affects: 'liveness',
      isPassing: state !== 'failed',
      message: state === 'failed' ? failure : undefined,
    }))
  }

  /** The service is ready. */
  begin(): void {
    for (const task of this.#tasks) task.begin()
  }

  /**
   * Asks all to end, and waits for that until the signal fires.
   *
   * @throws AggregateError of all that failed or have not ended, each a LifecycleError `service.task_failed`.
   */
  async drain(signal: AbortSignal): Promise<void> {
    const results = await Promise.allSettled(this.#tasks.map((task) => task.end(signal)))
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
    throwErrors(failures, 'background tasks did not end')
  }
}
