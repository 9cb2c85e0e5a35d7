import { defineService } from '@tenon/core'
import { expect, it, vi } from 'vitest'
import { registerSdk } from './metric-reader.ts'

const options = { version: '1.0.0', handlers: [], admin: false } as const
const environment = { LOG_LEVEL: 'silent' }
const started = (name: string) => defineService({ ...options, name }).start({ environment })

const isOfRuntime = (name: string) => /^(?:nodejs|v8js|tenon\.runtime)\./.test(name)

it('tells of the event loop, the heap and its collections while a service runs, and not after', async () => {
  await using sdk = registerSdk()
  const service = await started('sound')
  // A sample of the event loop takes 10 ms, and a collection is told of in a later turn.
  await vi.waitUntil(async () => {
    makeGarbage()
    const made = new Set((await sdk.collect()).map(({ name }) => name))
    return made.has('nodejs.eventloop.delay.p99') && made.has('v8js.gc.duration')
  })
  const [used, limit] = [await sdk.seriesOf('v8js.memory.heap.used'), await sdk.seriesOf('tenon.runtime.heap_limit')]
  expect(used.map(({ attributes }) => attributes['v8js.heap.space.name'])).toContain('old_space')
  const usedBytes = used.reduce((sum, { value }) => sum + value, 0)
  expect(usedBytes).toBeGreaterThan(1_000_000)
  expect(limit[0]?.value).toBeGreaterThan(usedBytes)
  const states = (await sdk.seriesOf('nodejs.eventloop.time')).map(({ attributes }) => attributes)
  expect(states).toEqual([{ 'nodejs.eventloop.state': 'active' }, { 'nodejs.eventloop.state': 'idle' }])
  const [utilization] = await sdk.seriesOf('nodejs.eventloop.utilization')
  expect(utilization?.value).toBeGreaterThanOrEqual(0)
  expect(utilization?.value).toBeLessThanOrEqual(1)
  await service.stop()
  expect(await isLookedAt(sdk)).toBe(false)
})

it('is looked at until a service that stops has flushed its telemetry', async () => {
  await using sdk = registerSdk()
  const service = await started('sound')
  const looks: boolean[] = []
  sdk.onFlush(async () => void looks.push(await isLookedAt(sdk)))
  await service.stop()
  expect(looks).toEqual([true])
})

it('tells of a process with two services once, until the second has stopped', async () => {
  await using sdk = registerSdk()
  const [one, other] = [await started('one'), await started('other')]
  expect(await isLookedAt(sdk)).toBe(true)
  await one.stop()
  expect(await isLookedAt(sdk)).toBe(true)
  await other.stop()
  expect(await isLookedAt(sdk)).toBe(false)
})

it('is not recorded without an SDK, nor by one that came later', async () => {
  const service = await started('early')
  await using sdk = registerSdk()
  expect((await sdk.collect()).map(({ name }) => name).filter(isOfRuntime)).toEqual([])
  await service.stop()
})

/** An SDK goes on to tell of what it looked at last; the time of an event loop that runs does not stand still. */
async function isLookedAt(sdk: ReturnType<typeof registerSdk>): Promise<boolean> {
  const active = async () => (await sdk.seriesOf('nodejs.eventloop.time'))[0]?.value
  const before = await active()
  makeGarbage()
  return (await active()) !== before
}

function makeGarbage(): void {
  Array.from({ length: 200_000 }, (_, index) => ({ index }))
}
