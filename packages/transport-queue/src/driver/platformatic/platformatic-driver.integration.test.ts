import { randomBytes } from 'node:crypto'
import { describe, it, onTestFinished } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { driverSuite } from '../suite/driver-suite.ts'
import { platformaticDriver } from './platformatic-driver.ts'
import type { PlatformaticOptions } from '../platformatic-wire/platformatic-options.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(reason !== '').for(['classic', 'consumer'] as const)(
  `platformaticDriver in a group of the protocol %s${reason}`,
  (groupProtocol) => {
    it.each(driverSuite)('$name', async ({ run }) => {
      const prefix = `tenon-${randomBytes(6).toString('hex')}`
      await run({ connect: () => connect({ groupProtocol }), unique: (name) => `${prefix}.${name}` })
    })
  },
)

async function connect(options: Partial<PlatformaticOptions> = {}): Promise<QueueDriver> {
  const driver = platformaticDriver({ brokers, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300, ...options })
  await driver.connect({ clientId: 'tenon-test' })
  onTestFinished(() => driver.close())
  return driver
}
