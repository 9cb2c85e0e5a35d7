/** A process of the test that kills them: `<path> <topic> <rate>`. It redrives all letters of a queue file. */
import { sqliteDriver } from '../../driver/sqlite/sqlite-driver.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'

const [, , path = '', topic = '', rate = ''] = process.argv

const driver = sqliteDriver({ path })
await driver.connect({ clientId: 'killed' })
await redriveDeadLetters(driver, { topic, group: 'user', by: 'killed', ratePerSecond: Number(rate), timeoutMs: 500 })
await driver.close()
