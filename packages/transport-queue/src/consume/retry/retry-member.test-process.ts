/** A process of the fault tests: `<client> <brokers> <topic> <count>`. It fails all poison, and tells its parent when so much is set aside. */
import { type Client, connectInProcess } from '../../driver/kafka/kafka-client.test-harness.ts'
import { consumeAt, failPoison, untilAside } from './retry-kafka.test-harness.ts'

const [, , client = '', brokers = '', topic = '', count = ''] = process.argv

const driver = await connectInProcess(client as Client, {
  brokers: brokers.split(','),
  sessionTimeoutMs: 2_000,
  heartbeatIntervalMs: 200,
})
const { transport } = await consumeAt(driver, topic, {
  handle: (key, place) => {
    failPoison(key)
    process.send?.({ is: 'handled', place } satisfies Told)
  },
})
await untilAside(transport, Number(count))
process.send?.({ is: 'aside' } satisfies Told)

/** What the process tells. */
export type Told = { readonly is: 'handled'; readonly place: string } | { readonly is: 'aside' }
