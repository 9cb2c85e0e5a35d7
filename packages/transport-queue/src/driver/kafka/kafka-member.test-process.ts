/** A process of the fault tests: `<client> <brokers> <topic>`. It handles nothing, and tells its parent what it is given. */
import { type Client, connectInProcess, join } from './kafka-client.test-harness.ts'

/** What the process tells. */
export type Told =
  | { readonly is: 'given'; readonly value: string }
  | { readonly is: 'lost' }
  | {
      readonly is: 'committed'
      readonly isStored: boolean
      /** Of the topic that goes with its own. */
      readonly isStoredBeside: boolean
      readonly state: string
    }

const [, , client = '', brokers = '', topic = ''] = process.argv

const driver = await connectInProcess(client as Client, {
  brokers: brokers.split(','),
  sessionTimeoutMs: 2_000,
  heartbeatIntervalMs: 200,
})
const member = await join(driver, {
  topic,
  consume: async (partition) => {
    partition.lost.addEventListener('abort', () => tell({ is: 'lost' }), { once: true })
    const [record] = await partition.fetch()
    if (record === undefined) return
    // It commits when it is told to, whatever has become of the partition meanwhile.
    process.once('message', () => {
      const commits = [partition.commit(record.offset + 1), partition.commitBeside(`${topic}.beside`, 1)]
      void Promise.all(commits).then(([isStored = true, isStoredBeside = true]) =>
        tell({ is: 'committed', isStored, isStoredBeside, state: member.state }),
      )
    })
    tell({ is: 'given', value: String(record.value) })
    await new Promise((resolve) => partition.lost.addEventListener('abort', resolve, { once: true }))
  },
})

function tell(told: Told): void {
  process.send?.(told)
}
