import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { countdown, type Placed, seeded, start, toRecord } from '../../queue-transport.test-harness.ts'

test('a memory broker ends when what was set aside is handled too', async () => {
  const keys = ['poison', ...Array.from({ length: 40 }, (_, index) => `k${index}`)]
  const broker = await seeded(keys.map((orderId, count) => toRecord(JSON.stringify({ orderId, count }), orderId)))
  let isPoisoned = true
  let isHandled = false
  const others = countdown(40)
  const handle = async ({ orderId }: Placed) => {
    if (orderId === 'poison' && isPoisoned) throw new ServiceError('unavailable', 'not now')
    if (orderId === 'poison') isHandled = true
    else others.tick()
  }
  const retry = { initialDelayMs: 10, maxDelayMs: 100 }
  const { server, transport } = await start(broker, handle, { maxUncommittedCount: 10, commitIntervalMs: 0, retry })
  await others.reached
  while ((await transport.consumers())[0]?.parkedCount !== 1) await new Promise((resolve) => setImmediate(resolve))
  const finished = server.finish?.(AbortSignal.timeout(20_000))
  isPoisoned = false
  await finished
  expect(isHandled).toBe(true)
})
