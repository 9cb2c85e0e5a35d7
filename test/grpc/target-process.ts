import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { expect } from 'vitest'
import { type OwnProcess, runFile } from '../support/own-process.ts'

/** A process that can be asked for its memory, and to act. */
export interface MeasuredProcess extends OwnProcess {
  readonly port: number
  /** Asks it to do something, and gives what that came to. */
  readonly ask: (act: string, count?: number) => Promise<unknown>
  /** What it holds after its garbage was collected, with what lies outside the heap of JavaScript. */
  readonly heapMegabytes: () => Promise<number>
  /** Sees that what is done to it leaves nothing behind that garbage collection would not take. */
  readonly leavesLittle: (act: () => Promise<void>) => Promise<void>
}

/** Runs the service that is attacked, on a free port. */
export function startTarget({ requestTimeoutMs = 300_000 } = {}): Promise<MeasuredProcess> {
  return startMeasured('target-service.ts', { LOG_LEVEL: 'silent', REQUEST_TIMEOUT_MS: String(requestTimeoutMs) })
}

/** Runs a process that calls the service, as it is asked to. */
export function startCaller(port: number): Promise<MeasuredProcess> {
  return startMeasured('caller-process.ts', { TARGET: `127.0.0.1:${port}` })
}

/** What may be left: the bound of all tests of memory. */
export const allowedMegabytes = 20

async function startMeasured(file: string, environment: Readonly<Record<string, string>>): Promise<MeasuredProcess> {
  const started = runFile(join(import.meta.dirname, 'fixture', file), environment)
  const [{ addresses }] = (await Promise.race([once(started.child, 'message'), failed(started)])) as [Ready]
  const ask = compileAsk(started)
  const heapMegabytes = async () => Number(await ask('heap')) / 1_000_000
  const leavesLittle = async (act: () => Promise<void>) => {
    const before = await heapMegabytes()
    await act()
    const check = async () => expect((await heapMegabytes()) - before).toBeLessThan(allowedMegabytes)
    await eventually(check, { timeoutMs: 10_000 })
  }
  return { ...started, port: addresses[0]?.port ?? 0, ask, heapMegabytes, leavesLittle }
}

interface Ready {
  readonly addresses: readonly Address[]
}

interface Answer {
  readonly id: number
  readonly value: unknown
}

function compileAsk(started: OwnProcess): MeasuredProcess['ask'] {
  const waiting = new Map<number, (value: unknown) => void>()
  let lastId = 0
  started.child.on('message', ({ id, value }: Answer) => {
    waiting.get(id)?.(value)
    waiting.delete(id)
  })
  return (act, count) => {
    const id = (lastId += 1)
    const { promise, resolve } = Promise.withResolvers<unknown>()
    waiting.set(id, resolve)
    started.child.send({ id, act, count })
    return Promise.race([promise, failed(started)])
  }
}

async function failed({ ended, output }: OwnProcess): Promise<never> {
  throw new Error(`the process ended with ${await ended}: ${output()}`)
}
