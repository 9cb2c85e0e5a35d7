import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { SharedProgress } from './shared-progress.ts'

/** Questions as they are asked, answered with how many there were. */
function open(failure?: ServiceError) {
  const asked: string[] = []
  const describe = async (topic: string, group: string) => {
    asked.push(`${topic} ${group}`)
    if (failure) throw failure
    return [{ partition: asked.length, earliestOffset: 0, nextOffset: 0, committedOffset: undefined }]
  }
  return { progress: new SharedProgress({ describe }, { now: () => 0 }), asked }
}

test('partitions that ask in one turn share a question, which is asked after all of them', async () => {
  const { progress, asked } = open()
  const answers = [progress.describe('a', 'g'), progress.describe('a', 'g'), progress.describe('b', 'g')]
  expect(asked).toEqual([])
  const [first, second] = await Promise.all(answers)
  expect(asked).toEqual(['a g', 'b g'])
  expect(first).toBe(second)
})

test('who asks later asks anew, also while an answer is awaited', async () => {
  const { progress, asked } = open()
  const first = progress.describe('a', 'g')
  await Promise.resolve()
  const second = progress.describe('a', 'g')
  expect([await first, await second]).toMatchObject([[{ partition: 1 }], [{ partition: 2 }]])
  expect(asked).toEqual(['a g', 'a g'])
})

test('a failure is everybody’s who asked, and nobody’s who asks later', async () => {
  const away = new ServiceError('unavailable', 'away')
  const { progress, asked } = open(away)
  const answers = await Promise.allSettled([progress.describe('a', 'g'), progress.describe('a', 'g')])
  expect(answers).toMatchObject([{ reason: away }, { reason: away }])
  await expect(progress.describe('a', 'g')).rejects.toBe(away)
  expect(asked).toHaveLength(2)
})
