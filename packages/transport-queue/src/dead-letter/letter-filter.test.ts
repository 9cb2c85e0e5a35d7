import { expect, it } from 'vitest'
import { countDeadLetters } from './count-dead-letters.ts'
import { bury, connect, type GivenLetter, owner } from './dead-letter.test-harness.ts'
import { compileFilter, describeFilter, type LetterFilter } from './letter-filter.ts'
import { listDeadLetters, type PartitionOffsets } from './list-dead-letters.ts'

const given: readonly GivenLetter[] = [
  { key: 'a', code: 'internal', failedAt: 1_000, handler: 'one' },
  { key: 'b', code: 'aborted', reason: 'no_stock', failedAt: 2_000, handler: 'one' },
  { key: null, code: 'aborted', failedAt: 3_000, handler: 'two' },
  { key: 'a', code: 'invalid_argument', reason: 'undecodable', failedAt: 4_000, handler: 'two' },
]

it.each<[where: LetterFilter, offsets: readonly number[]]>([
  [{}, [0, 1, 2, 3]],
  [{ failedFromAt: 2_000 }, [1, 2, 3]],
  [{ failedBeforeAt: 3_000 }, [0, 1]],
  [{ failedFromAt: 2_000, failedBeforeAt: 3_000 }, [1]],
  [{ code: 'aborted' }, [1, 2]],
  [{ reason: 'undecodable' }, [3]],
  [{ handler: 'two' }, [2, 3]],
  [{ key: 'a' }, [0, 3]],
  [{ key: Buffer.from('b') }, [1]],
  [{ key: Uint8Array.of(0x61) }, [0, 3]],
  [{ key: null }, [2]],
  [{ key: 'a', handler: 'two' }, [3]],
  [{ reason: 'other' }, []],
])('%j fits the letters of offsets %j, which are listed and counted', async (where, offsets) => {
  const driver = await connect('memory')
  await bury(driver, given)
  const { letters, isComplete } = await listDeadLetters(driver, { ...owner, where })
  expect(letters.map(({ source }) => source.offset)).toEqual(offsets)
  expect(isComplete).toBe(true)
  expect(await countDeadLetters(driver, { ...owner, where })).toMatchObject({ count: offsets.length, isComplete: true })
})

it('counts by code and reason, and tells of when the letters are', async () => {
  const driver = await connect('sqlite')
  await bury(driver, given)
  expect(await countDeadLetters(driver, owner)).toEqual({
    count: 4,
    byCode: { internal: 1, aborted: 2, invalid_argument: 1 },
    byReason: { '': 2, no_stock: 1, undecodable: 1 },
    oldestAt: 1_000,
    newestAt: 4_000,
    isComplete: true,
  })
  const none = { count: 0, byCode: {}, byReason: {}, oldestAt: undefined, newestAt: undefined, isComplete: true }
  expect(await countDeadLetters(driver, { ...owner, where: { reason: 'x' } })).toEqual(none)
  await expect(countDeadLetters(driver, { ...owner, group: 'nobody' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(countDeadLetters(driver, { ...owner, timeoutMs: 0 })).rejects.toThrow('timeoutMs must be a whole number')
})

it('pages of a list with a filter go on behind what did not fit', async () => {
  const driver = await connect('memory')
  const codes = ['internal', 'aborted'] as const
  await bury(
    driver,
    Array.from({ length: 40 }, (_, index) => ({ code: codes[index % 2] ?? 'internal', failedAt: index })),
  )
  const told: number[] = []
  let from: PartitionOffsets = {}
  for (let isComplete = false; !isComplete; ) {
    const list = await listDeadLetters(driver, { ...owner, where: { code: 'aborted' }, maxCount: 7, from })
    told.push(...list.letters.map(({ source }) => source.offset))
    from = list.next
    isComplete = list.isComplete
  }
  expect(told).toEqual(Array.from({ length: 20 }, (_, index) => index * 2 + 1))
})

it.each<[where: object, problem: string]>([
  [{ code: 'nope' }, 'where.code must be one of cancelled, unknown, '],
  [{ code: 13 }, 'where.code must be one of '],
  [{ reason: '' }, 'where.reason must be a line of text with 1 to 1000 characters, found ""'],
  [{ handler: 'a\nb' }, 'where.handler must be a line of text'],
  [{ key: 7 }, 'where.key must be text, bytes or null, found 7'],
  [{ failedFromAt: -1 }, 'where.failedFromAt must be a whole number from 0 to '],
  [{ failedBeforeAt: 1.5 }, 'where.failedBeforeAt must be a whole number from 0 to '],
  [{ codes: ['internal'] }, 'where: "codes" is no option, perhaps code is meant'],
])('refuses the filter %j', async (where, problem) => {
  const driver = await connect('memory')
  await bury(driver, [])
  const all = { ...owner, where: where as LetterFilter }
  await expect(listDeadLetters(driver, all)).rejects.toThrow(problem)
  await expect(countDeadLetters(driver, all)).rejects.toThrow(problem)
})

it('refuses a filter that is none', () => {
  expect(() => compileFilter('internal' as LetterFilter)).toThrow('where must be an object, found "internal"')
})

it('is described as JSON', () => {
  expect(describeFilter({ code: 'internal', key: 'a' })).toEqual({ code: 'internal', key: 'a' })
  expect(describeFilter({ key: null })).toEqual({ key: null })
  expect(describeFilter({ key: Uint8Array.of(0xff) })).toEqual({ keyBase64: '/w==' })
})
