import { onTestFinished } from 'vitest'
import type { ShopProcess } from '../promise/shop-process.ts'
import { type HarmedWay, startToxiproxy } from '../support/toxiproxy.ts'

/** Where services of the example find each other, until the running test has ended. */
export interface RegistryPlace {
  /** What the services are started with. */
  readonly environment: Readonly<Record<string, string>>
  /** What happens to the registry, one after the other, while calls go on. In the end it is as it was. */
  readonly harms: readonly Harm[]
  /** Longest time in which an instance that died is still told of; undefined where that is not the registry's to find out. */
  readonly ttlMs: number | undefined
  /** What a platform tells the registry of an instance, where that does not do so itself. */
  shows?(instances: readonly ShopProcess[]): Promise<void>
}

export interface Harm {
  readonly name: string
  readonly run: () => Promise<void>
}

export async function harmedWay(port: number): Promise<HarmedWay> {
  const toxiproxy = await startToxiproxy()
  onTestFinished(() => toxiproxy[Symbol.asyncDispose]())
  return toxiproxy.to(port)
}

export function linkHarms(way: HarmedWay): readonly Harm[] {
  return [
    { name: 'is cut off', run: () => way.cut() },
    { name: 'is reached again', run: () => way.restore() },
    { name: 'is slow', run: () => way.slow(1_000) },
    { name: 'is fast again', run: () => way.restore() },
    { name: 'is silent', run: () => way.freeze() },
    { name: 'is heard again', run: () => way.restore() },
  ]
}
