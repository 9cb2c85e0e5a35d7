import { Consumer } from '@platformatic/kafka'
import { benchBrokers } from './queue-driver.ts'
import { serveTurns } from './queue-turn.ts'
import { handleBytes } from './queue-work.ts'
import { ready } from './ready.ts'

/** As its README shows it, but for the deserializer: here as in the others the work begins with bytes. */
serveTurns(async ({ topic, group }, handled) => {
  const consumer = new Consumer({ clientId: 'bench', bootstrapBrokers: [...benchBrokers], groupId: group })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true })
  const reading = read(stream, handled)
  return async () => {
    await stream.close()
    await reading
    await consumer.close()
  }
})
ready(0)

async function read(stream: AsyncIterable<{ readonly value: Buffer }>, handled: () => void): Promise<void> {
  for await (const { value } of stream) {
    handleBytes(value)
    handled()
  }
}
