import { expect, it } from 'vitest'
import type { HandledMessage } from '../instance/instance-message.ts'
import { MessageLedger } from './message-ledger.ts'

const topic = 'test.made.v1'

function handled(id: string, group: string, code?: string): HandledMessage {
  return { event: 'handled', topic, group, id, code }
}

const no = () => false

it('counts a message once for each group, and knows lost ones from those that failed, came twice or were never published', () => {
  const ledger = new MessageLedger()
  for (const id of ['fine', 'twice', 'failed', 'lost']) ledger.sent(id, topic, ['a', 'b'])
  ledger.sent('unpublished', topic, ['a', 'b'])
  const result = { ok: false, code: 'unavailable', message: 'no broker' } as const
  ledger.notPublished('unpublished', topic, { groups: ['a', 'b'], result })
  for (const group of ['a', 'b']) for (const id of ['fine', 'twice']) ledger.handled(handled(id, group), no)
  ledger.handled(handled('twice', 'a'), no)
  ledger.handled(handled('failed', 'a', 'internal'), no)
  ledger.handled(handled('failed', 'b', 'not_found'), (code) => code === 'not_found')
  ledger.handled(handled('lost', 'a'), no)
  ledger.handled(handled('of another run', 'a'), no)
  expect(ledger.count()).toEqual({
    sent: 9,
    succeeded: 6,
    failed: 2,
    lost: 1,
    duplicated: 1,
    failures: [
      { operation: topic, code: 'unavailable', message: 'no broker', count: 1 },
      { operation: topic, code: 'internal', message: 'its handler failed each time', count: 1 },
    ],
    lostBy: [{ topic, group: 'b', count: 1 }],
  })
})

it('is settled when all is handled, also what failed before', async () => {
  const ledger = new MessageLedger()
  ledger.sent('one', topic, ['a'])
  ledger.handled(handled('one', 'a', 'internal'), no)
  expect(ledger.isSettled).toBe(false)
  const settling = ledger.settle(60_000)
  await ledger.settleOnce(60_000)
  ledger.handled(handled('one', 'a'), no)
  await settling
  expect(ledger.count()).toMatchObject({ succeeded: 1, failed: 0, lost: 0, duplicated: 0 })
})

it('gives up when nothing comes any more', async () => {
  const ledger = new MessageLedger()
  ledger.sent('one', topic, ['a'])
  await ledger.settle(1)
  expect(ledger.count()).toMatchObject({ lost: 1 })
})
