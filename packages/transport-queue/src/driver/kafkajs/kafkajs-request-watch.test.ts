import { expect, it } from 'vitest'
import { boundRequests, type InnerBroker, requestFailures, watchRequests } from './kafkajs-request-watch.ts'

it('notes how every request failed that was made of messages, and lets what came of it pass', async () => {
  const outcomes: unknown[] = []
  const broker: InnerBroker = {
    produce: async () => {
      const outcome = outcomes.shift()
      if (outcome instanceof Error) throw outcome
      return outcome
    },
  }
  watchRequests(broker)
  const messages = [{ value: '1' }, { value: '2' }]
  const send = () => broker.produce({ topicData: [{ partitions: [{ messages }] }] })
  outcomes.push(new Error('closed'), Object.assign(new Error('late'), { type: 'REQUEST_TIMED_OUT' }), 'stored')
  await expect(send()).rejects.toThrow('closed')
  await expect(send()).rejects.toThrow('late')
  expect(requestFailures(messages)).toEqual(['', 'REQUEST_TIMED_OUT'])
  expect(await send()).toBe('stored')
  expect(requestFailures(messages)).toHaveLength(2)
  expect(requestFailures([{ value: '1' }])).toEqual([])
  expect(requestFailures([])).toEqual([])
})

it('makes no request of messages for which nobody waits any more, and notes none', async () => {
  let requestCount = 0
  const broker: InnerBroker = { produce: async () => (requestCount += 1) }
  watchRequests(broker)
  const [messages, others] = [[{ value: '1' }], [{ value: '2' }]]
  const send = (given: readonly object[]) => broker.produce({ topicData: [{ partitions: [{ messages: given }] }] })
  const over = new AbortController()
  boundRequests(messages, over.signal)
  expect(await send(messages)).toBe(1)
  over.abort()
  await expect(send(messages)).rejects.toThrow('nobody waits')
  expect(await send(others)).toBe(2)
  expect(requestFailures(messages)).toEqual([])
})
