import { expect, it } from 'vitest'
import type { QueueDriver } from '../queue-driver.ts'
import { listAudits } from './audit/list-audits.ts'
import { countDeadLetters } from './count-dead-letters.ts'
import { bury, connect, owner } from './dead-letter.test-harness.ts'
import { compareWithSource } from './inspect/compare-with-source.ts'
import { inspectDeadLetter } from './inspect/inspect-dead-letter.ts'
import { listDeadLetters } from './list-dead-letters.ts'
import { redriveDeadLetter } from './redrive-dead-letter.ts'
import { redriveDeadLetters } from './redrive/redrive-dead-letters.ts'

/** Called as from JavaScript, with whatever is given. */
type Call = (driver: QueueDriver, options: never) => Promise<unknown>

const ofOwner: readonly (readonly [name: string, call: Call])[] = [
  ['listDeadLetters', listDeadLetters],
  ['countDeadLetters', countDeadLetters],
  ['inspectDeadLetter', inspectDeadLetter],
  ['redriveDeadLetters', redriveDeadLetters],
  ['listAudits', listAudits],
]
const ofLetter: readonly (readonly [name: string, call: Call])[] = [
  ['compareWithSource', async (driver, options) => compareWithSource(driver, await onlyLetter(driver), options)],
  ['redriveDeadLetter', async (driver, options) => redriveDeadLetter(driver, await onlyLetter(driver), options)],
]

it.each([...ofOwner, ...ofLetter])(
  '%s names an option that does not exist, and the one that is meant',
  async (name, call) => {
    const driver = await connect('memory')
    await bury(driver, [{}])
    const given = ofOwner.some(([known]) => known === name) ? owner : {}
    await expect(call(driver, { ...given, timeoutms: 5 } as never)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(`${name}: "timeoutms" is no option, perhaps timeoutMs is meant`) as string,
    })
    await expect(call(driver, 7 as never)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `${name}: the options must be an object, found 7`,
    })
  },
)

it.each(ofOwner)('%s names the topic and the group that are not given', async (name, call) => {
  const driver = await connect('memory')
  await bury(driver, [{}])
  const more = name === 'inspectDeadLetter' ? { position: 'x' } : {}
  for (const missing of ['topic', 'group'])
    await expect(call(driver, { ...owner, ...more, [missing]: undefined } as never)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `${missing} must be a line of text with 1 to 249 characters, found nothing`,
    })
})

async function onlyLetter(driver: QueueDriver) {
  const [letter] = (await listDeadLetters(driver, owner)).letters
  if (letter === undefined) throw new Error('expected a letter')
  return letter
}
