import { LifecycleError } from '../error/setup-error.ts'

/** Why a registration is lost whose id was announced by another process, or by a later life of this one: it is not announced again. */
export function takenOver(id: string): LifecycleError {
  const message = `another process has announced the instance ${id}: give every copy that runs an id of its own (TENON_INSTANCE_ID)`
  return new LifecycleError([{ code: 'service.taken_over', message }])
}

export function isTakenOver(reason: unknown): boolean {
  return reason instanceof LifecycleError && reason.code === 'service.taken_over'
}
