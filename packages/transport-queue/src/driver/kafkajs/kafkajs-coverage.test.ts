import { expect, it } from 'vitest'
import { SendCoverage } from './kafkajs-coverage.ts'

const answer = (partition: number) => ({ topicName: 't', partition, errorCode: 0 })

/** Chooses the partitions of two records as often as attempts are made. */
function sendTwo(coverage: SendCoverage, attempts: readonly (readonly [number, number])[]): void {
  coverage.begin()
  for (const partitions of attempts)
    for (const partition of partitions)
      coverage.watch(() => partition)({ topic: 't', partitionMetadata: [], message: { value: null } })
}

it('takes a request for stored when every partition was answered for', () => {
  const coverage = new SendCoverage()
  sendTwo(coverage, [[0, 1]])
  expect(() => coverage.require(2, [answer(1), answer(0)])).not.toThrow()
})

it('notices a partition that was left out when its leader changed', () => {
  const coverage = new SendCoverage()
  sendTwo(coverage, [[0, 1]])
  expect(() => coverage.require(2, [answer(0)])).toThrow('records were not sent to t/1, whose leader has changed')
})

it('looks at the last attempt only, and at no request before', () => {
  const coverage = new SendCoverage()
  sendTwo(coverage, [[4, 5]])
  sendTwo(coverage, [
    [2, 3],
    [0, 1],
  ])
  expect(() => coverage.require(2, [answer(0), answer(1)])).not.toThrow()
})
