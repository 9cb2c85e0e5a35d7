import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { benchBrokers } from './queue-driver.ts'
import { sendSideBySide } from './queue-send.ts'
import { serveTurns } from './queue-turn.ts'
import { orderOf } from './queue-work.ts'
import { ready } from './ready.ts'

const kafka = new Kafka({ brokers: [...benchBrokers], clientId: 'bench', logLevel: logLevel.NOTHING })
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true })
await producer.connect()

/** One message a call, as a handler has it. */
serveTurns(async ({ topic, messageCount }, handled) => {
  await sendSideBySide(messageCount, async (index) => {
    const order = orderOf(index)
    await producer.send({ topic, messages: [{ key: order.userId, value: JSON.stringify(order) }] })
    handled()
  })
  return async () => undefined
})
ready(0)
