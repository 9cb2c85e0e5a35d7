import type { Cluster } from 'kafkajs'
import { expect, it } from 'vitest'
import { JoinGate } from './kafkajs-join.ts'

it('knows the generation and the name of a member also when the coordinator is connected anew', async () => {
  const coordinator = new FakeBroker()
  const cluster = { findGroupCoordinator: async () => coordinator } as unknown as Cluster
  const gate = new JoinGate(cluster, {
    beforeJoin: async () => undefined,
    isLeaving: () => false,
    refuse: () => new Error('leaving'),
  })
  const join = async (memberId: string, generationId: number) => {
    await cluster.findGroupCoordinator({ groupId: 'g' })
    // As kafkajs does when a connection was lost meanwhile: between the question and the request, too.
    coordinator.connect()
    expect(coordinator.send({ groupProtocols: [], memberId })).toBe('sent')
    expect(gate.joiningMemberId).toBe(memberId)
    coordinator.connect()
    expect(coordinator.send({ groupAssignment: [], memberId, generationId })).toBe('sent')
    gate.hasJoined()
    return gate.generationId
  }
  expect(await join('m1', 1)).toBe(1)
  expect(await join('m2', 7)).toBe(7)
})

/** @see kafkajs 2.2.4, src/broker/index.js: what looks up the form of a request is set with each connection */
class FakeBroker {
  lookupRequest = lookup

  connect(): void {
    this.lookupRequest = (...definition) => lookup(...definition)
  }

  send(fields: object): unknown {
    return this.lookupRequest('api', {})(fields)
  }
}

function lookup(..._definition: readonly unknown[]): (fields: object) => unknown {
  return () => 'sent'
}
