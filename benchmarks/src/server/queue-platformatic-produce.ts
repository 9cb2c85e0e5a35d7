import { Producer } from '@platformatic/kafka'
import { benchBrokers } from './queue-driver.ts'
import { sendSideBySide } from './queue-send.ts'
import { serveTurns } from './queue-turn.ts'
import { orderOf } from './queue-work.ts'
import { ready } from './ready.ts'

const producer = new Producer({
  clientId: 'bench',
  bootstrapBrokers: [...benchBrokers],
  idempotent: true,
  autocreateTopics: true,
})

/** One message a call, as a handler has it. */
serveTurns(async ({ topic, messageCount }, handled) => {
  await sendSideBySide(messageCount, async (index) => {
    const order = orderOf(index)
    const value = Buffer.from(JSON.stringify(order))
    await producer.send({ messages: [{ topic, key: Buffer.from(order.userId), value }] })
    handled()
  })
  return async () => undefined
})
ready(0)
