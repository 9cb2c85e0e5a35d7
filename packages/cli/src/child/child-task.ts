import type { InstanceTask } from '../instance/instance-message.ts'
import type { ServicePlace } from '../module/service-module.ts'
import type { DrainTask } from '../verify/drain-task.ts'

/** What a child process is to do; it is told as JSON. */
export type ChildTask = LookTask | DrainTask | InstanceTask

/** Looks at a service without starting it. */
export interface LookTask extends ServicePlace {
  readonly kind: 'check' | 'describe'
  readonly isJson: boolean
}
