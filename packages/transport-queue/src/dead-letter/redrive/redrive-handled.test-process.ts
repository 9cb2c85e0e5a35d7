/** A process of the test that kills it: `<driver> <file or brokers> <topic> <rate> <timeoutMs>`. It redrives the letters of a group with the code `internal`. */
import { choosePlace } from '../../consume/broadcast/broadcast.test-harness.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'

const [, , name = '', place = '', topic = '', rate = '', timeoutMs = ''] = process.argv

const driver = choosePlace(name, place)
await driver.connect({ clientId: 'killed' })
const where = { code: 'internal' } as const
const limits = { ratePerSecond: Number(rate), timeoutMs: Number(timeoutMs) }
await redriveDeadLetters(driver, { topic, group: 'user', by: 'killed', where, ...limits })
await driver.close()
