import type { ServiceDescription } from '@tenon/core'
import type { InstanceTask } from '../instance/instance-message.ts'
import type { ServicePlace } from '../module/service-module.ts'
import type { DrainTask } from '../verify/drain-task.ts'

/** What a child process is to do; it is told as JSON. */
export type ChildTask = LookTask | TellTask | DrainTask | InstanceTask

/** Looks at a service without starting it. */
export interface LookTask extends ServicePlace {
  readonly kind: 'check' | 'describe'
  readonly isJson: boolean
}

/** Tells the process that started it what a service is made of, over the channel between them. */
export interface TellTask extends ServicePlace {
  readonly kind: 'tell'
  readonly isJson: false
}

/** What comes over the channel. */
export type Told =
  | { readonly description: ServiceDescription }
  /** `isOfService`: whether the service is at fault, and not who named it. `unsetIn`: the service whose settings were not enough. */
  | { readonly problem: string; readonly isOfService: boolean; readonly unsetIn?: string | undefined }
