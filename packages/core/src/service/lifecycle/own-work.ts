import { AsyncLocalStorage } from 'node:async_hooks'
import { ambientCall } from '../../call/context.ts'
import type { Gate } from '../../call/gate.ts'

interface OwnWork {
  readonly gate: Gate
  isOver: boolean
}

const storage = new AsyncLocalStorage<OwnWork>()

/** Runs what a service waits for before it stops; the gate stands for the service. */
export async function runAsOwnWork<Result>(gate: Gate, work: () => Result | Promise<Result>): Promise<Result> {
  const own: OwnWork = { gate, isOver: false }
  try {
    return await storage.run(own, work)
  } finally {
    own.isOver = true
  }
}

/** Whether the code that runs is work of the service that has not ended, such as a call or a hook: it cannot wait for its own end. */
export function isOwnWork(gate: Gate): boolean {
  const own = storage.getStore()
  if (own?.gate === gate && !own.isOver) return true
  const call = ambientCall()
  return call?.gate === gate && call.hasEnded !== true
}
