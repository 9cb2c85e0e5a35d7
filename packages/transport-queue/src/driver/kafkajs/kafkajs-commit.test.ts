import type { Cluster } from 'kafkajs'
import { expect, test } from 'vitest'
import { commitDirectly } from './kafkajs-commit.ts'

const commit = { group: 'group', memberId: 'member', generationId: 7, topic: 'topic', partition: 2, nextOffset: 40 }
const { signal: never } = new AbortController()

test('the coordinator is asked by the name and the generation of the member', async () => {
  const { cluster, asked } = open()
  await commitDirectly(cluster, commit, never)
  const topics = [{ topic: 'topic', partitions: [{ partition: 2, offset: '40' }] }]
  expect(asked).toEqual([{ groupId: 'group', memberId: 'member', groupGenerationId: 7, topics }])
})

test('a commit whose coordinator is found too late is not sent', async () => {
  const found = Promise.withResolvers<void>()
  const { cluster, asked } = open(found.promise)
  const over = new AbortController()
  const late = commitDirectly(cluster, commit, over.signal)
  over.abort(new Error('too late'))
  found.resolve()
  await expect(late).rejects.toThrow('too late')
  expect(asked).toEqual([])
})

/** A cluster whose coordinator is broker 3, and what that was asked. */
function open(found: Promise<void> = Promise.resolve()) {
  const asked: unknown[] = []
  const brokers = new Map([['3', { offsetCommit: async (request: unknown) => void asked.push(request) }]])
  const cluster = {
    findGroupCoordinatorMetadata: async () => {
      await found
      return { coordinator: { nodeId: 3 } }
    },
    findBroker: async ({ nodeId }: { readonly nodeId: string }) => brokers.get(nodeId),
  }
  // Of the cluster only these are used.
  return { cluster: cluster as unknown as Cluster, asked }
}
