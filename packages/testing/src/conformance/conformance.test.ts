import { describe, expect, test } from 'vitest'
import { conformance } from './conformance.ts'
import { conformanceCases } from './conformance-cases.ts'
import { type Feature, features, type Lacks } from './feature.ts'
import type { ConformanceHarness } from './harness.ts'
import { memoryHarness } from './memory-harness.ts'

conformance(memoryHarness(), test)

describe('a transport that lacks something', () => {
  const harness: ConformanceHarness = {
    ...memoryHarness(),
    name: 'mine',
    lacks: { 'cancel.caller': 'the wire has no way back' },
  }

  test('is not asked for it, and its reason is in the title', () => {
    const tests: string[] = []
    const skipped: string[] = []
    const register = Object.assign((title: string) => tests.push(title), {
      skip: (title: string) => skipped.push(title),
    })
    conformance(harness, register)
    const suffix = ' (lacks cancel.caller: the wire has no way back)'
    expect(skipped).toContain(`cancel: a caller that leaves fires the signal of its call${suffix}`)
    expect(skipped.every((title) => title.endsWith(suffix))).toBe(true)
    expect(tests.length + skipped.length).toBe(conformanceCases(harness).length)
  })

  test('does not pass when its case is run all the same', async () => {
    const lacking = conformanceCases(harness).find(({ lacks }) => lacks?.feature === 'cancel.caller')
    await expect(lacking?.run()).rejects.toThrow('mine lacks cancel.caller: the wire has no way back')
  })

  test.each([
    [{ 'cancel.callers': 'x' }, 'mine: lacks: "cancel.callers" is none of input.text, '],
    [{ headers: ' ' }, 'mine: lacks: expected the reason why it lacks headers, found  '],
  ])('must say what and why: %o', (lacks, message) => {
    expect(() => conformanceCases({ ...harness, lacks: lacks as Lacks })).toThrow(message)
  })
})

test('a harness that starts nothing is told so', async () => {
  const [first] = conformanceCases({
    name: 'mine',
    start: async () => ({ call: () => Promise.reject(new Error('no')) }),
  })
  await expect(first?.run()).rejects.toThrow('start() of the harness must start the service it is given')
})

test('a transport that never answers fails its cases', async () => {
  const deaf: ConformanceHarness = {
    name: 'deaf',
    caseLimitMs: 20,
    start: async (service) => {
      const peer = await memoryHarness().start(service)
      return { ...peer, call: () => new Promise(() => undefined) }
    },
  }
  const [first] = conformanceCases(deaf)
  await expect(first?.run()).rejects.toThrow('the case did not end within 20 ms')
})

test('every case has a title of its own, and every feature is needed by one', () => {
  const cases = conformanceCases({ ...memoryHarness(), lacks: {} })
  expect(new Set(cases.map(({ title }) => title)).size).toBe(cases.length)
  const names = Object.keys(features) as readonly Feature[]
  const unneeded = names.filter((feature) =>
    conformanceCases({ ...memoryHarness(), lacks: { [feature]: 'why' } }).every(({ lacks }) => lacks === undefined),
  )
  expect(unneeded).toEqual([])
})
