import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { QueueDriver } from '../queue-driver.ts'
import { driverSuite } from './driver-suite.ts'
import { kafkajsDriver } from './kafkajs.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const name =
  brokers.length > 0 || isRequired ? 'kafkajsDriver' : 'kafkajsDriver (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(brokers.length === 0 && !isRequired)(name, () => {
  it.each(driverSuite)('$name', async ({ run }) => {
    const prefix = `tenon-${randomBytes(6).toString('hex')}`
    const drivers: QueueDriver[] = []
    const connect = async () => {
      const driver = kafkajsDriver({ brokers, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300 })
      drivers.push(driver)
      await driver.connect({ clientId: 'tenon-test' })
      return driver
    }
    await run({ connect, unique: (of) => `${prefix}.${of}` })
    await Promise.all(drivers.map((driver) => driver.close()))
  })

  it('names the brokers when none answers', async () => {
    const driver = kafkajsDriver({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 500 })
    await expect(driver.connect({ clientId: 'tenon-test' })).rejects.toThrow('no connection to Kafka at 127.0.0.1:1')
    await driver.close()
  })
})
