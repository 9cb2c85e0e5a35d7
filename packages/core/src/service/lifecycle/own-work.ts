import { AsyncLocalStorage } from 'node:async_hooks'
import { ambientCall } from '../../call/context.ts'
import type { Gate } from '../../call/gate.ts'

interface OwnWork {
  readonly gate: Gate
  isOver: boolean
  /** That of a service which this one is a part of, such as one that a provider starts. */
  readonly around: OwnWork | undefined
}

const storage = new AsyncLocalStorage<OwnWork>()

/** Runs what a service waits for before it stops; the gate stands for the service. */
export async function runAsOwnWork<Result>(gate: Gate, work: () => Result | Promise<Result>): Promise<Result> {
  const own: OwnWork = { gate, isOver: false, around: storage.getStore() }
  try {
    return await storage.run(own, work)
  } finally {
    own.isOver = true
  }
}

/** Whether the code that runs is work of the service that has not ended, such as a call or a hook: it cannot wait for its own end. */
export function isOwnWork(gate: Gate): boolean {
  for (let own = storage.getStore(); own !== undefined; own = own.around)
    if (own.gate === gate && !own.isOver) return true
  const call = ambientCall()
  return call?.gate === gate && call.hasEnded !== true
}
