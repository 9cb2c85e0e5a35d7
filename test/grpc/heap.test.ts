import { once } from 'node:events'
import { eventually } from '@tenon/testing'
import { expect, test } from 'vitest'
import { settled } from './settled.ts'
import { allowedMegabytes, startCaller, startTarget } from './target-process.ts'

/** The long run, `.ci/soak`, does all of it; this one a twentieth, unless told. */
const share = Number(process.env['TENON_HEAP_SHARE'] ?? 0.05)
const timeout = 60_000 + share * 1_800_000

async function startBoth() {
  const target = await startTarget()
  const caller = await startCaller(target.port)
  return {
    target,
    caller,
    /** Sees that both sides hold little afterwards. */
    leaveLittle: (act: () => Promise<void>) => target.leavesLittle(() => caller.leavesLittle(act)),
    async [Symbol.asyncDispose]() {
      await caller[Symbol.asyncDispose]()
      await target[Symbol.asyncDispose]()
    },
  }
}

test(`${1_000_000 * share} unary calls leave less than 20 MB at either side`, { timeout }, async () => {
  await using both = await startBoth()
  await both.caller.ask('unary', 5_000)
  await both.leaveLittle(async () => {
    expect(await both.caller.ask('unary', 1_000_000 * share)).toBe(1_000_000 * share)
  })
})

test('10,000 cancelled streams leave less than 20 MB at either side', { timeout }, async () => {
  await using both = await startBoth()
  await both.caller.ask('cancelled', 500)
  await both.leaveLittle(async () => {
    expect(await both.caller.ask('cancelled', 10_000)).toBe(10_000)
  })
})

test(`a stream of ${1_000_000 * share} messages needs less than 20 MB at either side while its reader is slow, or reads nothing`, {
  timeout,
}, async () => {
  const itemCount = 1_000_000 * share
  await using both = await startBoth()
  const { target, caller } = both
  const sides = [target, caller]
  const before = await Promise.all(sides.map(({ heapMegabytes }) => heapMegabytes()))
  const holdLittle = async () => {
    const now = await Promise.all(sides.map(({ heapMegabytes }) => heapMegabytes()))
    for (const [side, megabytes] of now.entries()) {
      expect(megabytes - (before[side] ?? 0)).toBeLessThan(allowedMegabytes)
    }
  }
  const paused = once(caller.child, 'message')
  const read = caller.ask('slowly', itemCount)
  await paused
  expect(await settled(async () => Number(await target.ask('countedItems')))).toBeLessThan(itemCount / 2)
  await holdLittle()
  await caller.ask('goOn')
  await eventually(async () => expect(await target.ask('countedItems')).toBeGreaterThan(itemCount / 2), {
    timeoutMs: timeout,
  })
  await holdLittle()
  expect(await read).toBe(itemCount)
  await holdLittle()
})
