import { Kafka, logLevel } from 'kafkajs'
import { benchBrokers } from './queue-driver.ts'
import { serveTurns } from './queue-turn.ts'
import { handleBytes } from './queue-work.ts'
import { ready } from './ready.ts'

/** As the guide of kafkajs shows it. */
const kafka = new Kafka({ brokers: [...benchBrokers], clientId: 'bench', logLevel: logLevel.NOTHING })

serveTurns(async ({ topic, group }, handled) => {
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 500 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      handleBytes(message.value)
      handled()
    },
  })
  return () => consumer.disconnect()
})
ready(0)
