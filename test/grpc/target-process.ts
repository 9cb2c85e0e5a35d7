import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { expect } from 'vitest'
import { type OwnProcess, runFile } from '../promise/own-process.ts'

/** A process that can be asked for its memory. */
export interface MeasuredProcess extends OwnProcess {
  readonly port: number
  /** What it holds after its garbage was collected, with what lies outside the heap of JavaScript. */
  readonly heapMegabytes: () => Promise<number>
  /** Sees that what is done to it leaves nothing behind that garbage collection would not take. */
  readonly leavesLittle: (act: () => Promise<void>) => Promise<void>
}

/** Runs the service that is attacked, on a free port. */
export async function startTarget(): Promise<MeasuredProcess> {
  const target = runFile(join(import.meta.dirname, 'fixture/target-service.ts'), { LOG_LEVEL: 'silent' })
  const [{ addresses }] = (await Promise.race([once(target.child, 'message'), failed(target)])) as [
    { readonly addresses: readonly Address[] },
  ]
  const heapMegabytes = async () => {
    const told = once(target.child, 'message') as Promise<[{ readonly heapBytes: number }]>
    target.child.send('heap')
    const [{ heapBytes }] = await told
    return heapBytes / 1_000_000
  }
  return { ...target, port: addresses[0]?.port ?? 0, heapMegabytes, leavesLittle: compileLeavesLittle(heapMegabytes) }
}

async function failed({ ended, output }: OwnProcess): Promise<never> {
  throw new Error(`the process ended with ${await ended}: ${output()}`)
}

/** What may be left: the bound of all tests of memory. */
const allowedMegabytes = 20

function compileLeavesLittle(heapMegabytes: () => Promise<number>): MeasuredProcess['leavesLittle'] {
  return async (act) => {
    const before = await heapMegabytes()
    await act()
    await eventually(async () => expect((await heapMegabytes()) - before).toBeLessThan(allowedMegabytes), {
      timeoutMs: 10_000,
    })
  }
}
