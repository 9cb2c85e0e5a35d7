import type { ServicePlace } from '../module/service-module.ts'

/** What a child process is to do; it is told as JSON. */
export type ChildTask = LookTask

/** Looks at a service without starting it. */
export interface LookTask extends ServicePlace {
  readonly kind: 'check' | 'describe'
  readonly isJson: boolean
}
