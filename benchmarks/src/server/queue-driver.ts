import { kafkajsDriver, memoryDriver, platformaticDriver, type QueueDriver, sqliteDriver } from '@tenon/transport-queue'

/** The driver that the environment names in BENCH_DRIVER. */
export function benchDriver(): QueueDriver {
  const name = process.env['BENCH_DRIVER'] ?? ''
  const make = makers[name]
  if (make === undefined) throw new Error(`BENCH_DRIVER: expected ${Object.keys(makers).join(', ')}, found "${name}"`)
  return make()
}

export const benchBrokers: readonly string[] = (process.env['KAFKA_BROKERS'] ?? '').split(',')

/** Nothing goes while it is measured, for groups that begin later read it again. */
const keptBytes = 2 ** 36

const makers: Readonly<Record<string, () => QueueDriver>> = {
  memory: () => memoryDriver(),
  sqlite: () => sqliteDriver({ path: process.env['BENCH_FILE'] ?? '', retentionBytes: keptBytes }),
  kafkajs: () => kafkajsDriver({ brokers: benchBrokers }),
  platformatic: () => platformaticDriver({ brokers: benchBrokers }),
}
