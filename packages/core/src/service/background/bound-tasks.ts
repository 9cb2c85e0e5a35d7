import type { Gate } from '../../call/gate.ts'
import { inject } from '../../handler/inject.ts'
import type { Root } from '../../handler/provider-graph.ts'
import type { Task, TaskContext, TaskSettings } from '../../handler/task.ts'
import { runAsOwnWork } from '../lifecycle/own-work.ts'

/** A task with the values it needs. */
export interface BoundTask {
  readonly name: string
  readonly settings: TaskSettings
  run(context: TaskContext): Promise<unknown>
}

/** What must be created for a task. */
export function taskRoot({ name, needs }: Task): Root {
  return { name: rootName(name), construct: () => needs.map((need) => inject(need)) }
}

/** What answers `inject()`. */
interface Constructing {
  construct<Result>(name: string, make: () => Result): Result
}

/** Finds the values that tasks need. They run as work of the service whose gate it is. */
export function bindTasks(tasks: readonly Task[], container: Constructing, gate: Gate): readonly BoundTask[] {
  return tasks.map((task) => {
    const { name, settings, needs } = task
    const given = container.construct(rootName(name), () => needs.map((need) => inject(need)))
    return { name, settings, run: (context) => runAsOwnWork(gate, () => task.run(...given, context)) }
  })
}

function rootName(name: string): string {
  return `background task ${name}`
}
