import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countdown, fakeClock, headersOf, start, topic } from '../../queue-transport.test-harness.ts'
import type { ReceivedRecord } from '../../queue-driver.ts'
import { listAudits } from '../audit/list-audits.ts'
import { countDeadLetters } from '../count-dead-letters.ts'
import { deadLetterTopic } from '../dead-letter.ts'
import { bury, connect, owner, payloadsIn, recordsIn, selection, withChanges } from '../dead-letter.test-harness.ts'
import { listDeadLetters } from '../list-dead-letters.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'
import type { RedriveLettersOptions } from './redrive-options.ts'

const letters = deadLetterTopic(topic, owner.group)

it('what goes back is as it came, with its trace, and names its group and letter', async () => {
  const driver = await connect('memory')
  const past = '2020-01-01T00:00:00Z'
  const headers = {
    traceparent: '00-a-b-01',
    tracestate: 'a=b',
    ce_id: '1',
    ce_expirytime: past,
    'tenon-redrive-letter': 'x',
  }
  await bury(driver, [{ headers, value: 'as it came' }])
  const { letters: told, run } = await redriveDeadLetters(driver, selection)
  const [record] = (await recordsIn(driver, topic)) as readonly ReceivedRecord[]
  expect(String(record?.value)).toBe('as it came')
  expect(record?.headers).toHaveLength(5)
  expect(headersOf(record)).toEqual({
    traceparent: '00-a-b-01',
    tracestate: 'a=b',
    ce_id: '1',
    'tenon-redrive-group': 'user',
    'tenon-redrive-letter': told[0]?.position,
  })
  expect(told).toEqual([
    {
      position: expect.stringMatching(/\.dlq\.user\/\d@0$/) as string,
      source: { topic, partition: 0, offset: 0, timestampAt: 1_700_000_000_000 },
      code: 'internal',
      reason: undefined,
      outcome: 'redriven',
      patched: [],
    },
  ])
  expect(run).toMatch(/^[0-9a-f-]{36}$/)
})

it('messages go in the order in which they lay, whatever the order of their letters', async () => {
  const driver = await connect('memory')
  const offsets = [7, 3, 9, 1, 5]
  await bury(
    driver,
    offsets.map((offset) => ({ offset, value: { orderId: 'k', count: offset } })),
  )
  const { letters: told } = await redriveDeadLetters(driver, selection)
  expect(told.map(({ source }) => source.offset)).toEqual([1, 3, 5, 7, 9])
  expect((await payloadsIn(driver)).map(({ count }) => count)).toEqual([1, 3, 5, 7, 9])
})

it('a message that is given up again is another letter, which names nothing of the first, and goes again', async () => {
  const driver = await connect('memory')
  await bury(driver, [{}])
  const again = async () => {
    throw new ServiceError('invalid_argument', 'still wrong')
  }
  await start(memoryBroker(), again, { driver, commitIntervalMs: 0 })
  for (const count of [1, 2, 3]) {
    const { letters: told } = await redriveDeadLetters(driver, selection)
    expect(told.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: count - 1 }, () => 'already_redriven'),
      'redriven',
    ])
    await expect.poll(() => countDeadLetters(driver, owner)).toMatchObject({ count: count + 1 })
  }
  const { letters: all } = await listDeadLetters(driver, owner)
  expect(all.map(({ headers }) => headers)).toEqual([[], [], [], []])
})

it('a dry run tells exactly what would go, and writes nothing', async () => {
  const driver = await connect('memory')
  await bury(driver, [{ key: 'a' }, { key: 'b', code: 'aborted' }, { key: 'a' }, { key: 'a', offset: 2 }])
  const options = { ...selection, where: { code: 'internal' }, maxCount: 1 } as const
  const dry = await redriveDeadLetters(driver, { ...options, dryRun: true })
  expect(dry).toMatchObject({ run: undefined, redrivenCount: 1, isComplete: false })
  expect(dry.letters.map(({ outcome }) => outcome)).toEqual(['redriven', 'not_reached', 'same_message'])
  expect(await recordsIn(driver, topic)).toEqual([])
  await expect(driver.describe(`${letters}.audit`, 'x')).rejects.toMatchObject({ code: 'not_found' })
  const real = await redriveDeadLetters(driver, options)
  expect(real.letters).toEqual(dry.letters)
  const rest = await redriveDeadLetters(driver, { ...options, maxCount: 5 })
  expect(rest.letters.map(({ outcome }) => outcome)).toEqual(['already_redriven', 'redriven', 'same_message'])
  expect((await payloadsIn(driver)).map(({ count }) => count)).toEqual([0, 2])
})

it('letters that cannot go are told of, and hold up no others', async () => {
  const driver = await connect('memory')
  const structured = { 'content-type': 'application/cloudevents+json' }
  await bury(driver, [{ reason: 'expired', headers: structured }, { headers: { 'tenon-value-omitted': 'true' } }, {}])
  const { letters: told, redrivenCount } = await redriveDeadLetters(driver, selection)
  expect(told.map(({ outcome }) => outcome)).toEqual(['expired', 'redriven', 'redriven'])
  expect(redrivenCount).toBe(2)
})

it('positions say which letters go, and nothing goes when one of them is none', async () => {
  const driver = await connect('memory')
  await bury(driver, [{}, {}, {}])
  const [, second] = (await listDeadLetters(driver, owner)).letters
  const position = second?.position ?? ''
  await expect(
    redriveDeadLetters(driver, { ...selection, positions: [position, `${letters}/0@99`] }),
  ).rejects.toMatchObject({
    code: 'not_found',
    message: `positions: no dead letter lies at ${letters}/0@99`,
  })
  expect(await recordsIn(driver, topic)).toEqual([])
  await redriveDeadLetters(driver, { ...selection, positions: [position] })
  expect((await payloadsIn(driver)).map(({ count }) => count)).toEqual([1])
})

it('keeps to its rate, in even steps', async () => {
  const driver = await connect('memory')
  await bury(
    driver,
    Array.from({ length: 100 }, () => ({})),
  )
  const clock = fakeClock()
  const sizes: number[] = []
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (records[0]?.topic === topic) sizes.push(records.length)
    await driver.produce(records, bound)
  }
  await redriveDeadLetters(withChanges(driver, { produce }), { ...selection, ratePerSecond: 250, clock })
  expect(sizes).toEqual([25, 25, 25, 25])
  expect(clock.waitedMs).toEqual([100, 100, 100])
  const slow = fakeClock()
  await bury(driver, [{ offset: 200 }, { offset: 201 }, { offset: 202 }])
  await redriveDeadLetters(driver, { ...selection, ratePerSecond: 2, clock: slow })
  expect(slow.waitedMs).toEqual([500, 500])
})

it('says when the group never came, and when its consumers do nothing', async () => {
  const driver = await connect('memory')
  await bury(driver, [{}])
  const clock = fakeClock()
  const { warnings } = await redriveDeadLetters(driver, { ...selection, watchMs: 1_000, clock })
  expect(warnings).toEqual([
    `group user has never committed anything of topic ${topic}: nobody may handle what is put back`,
    `group user has committed nothing of topic ${topic} for 1000 ms, though 1 messages wait: its consumers may be down`,
  ])
  expect(clock.now()).toBe(1_000)
})

it('says nothing of consumers that go on', async () => {
  const driver = await connect('memory')
  await bury(driver, [{}, {}])
  const done = countdown(3)
  const { transport } = await start(memoryBroker(), async () => done.tick(), { driver, commitIntervalMs: 0 })
  await driver.produce([{ topic, key: null, value: Buffer.from('{"orderId":"k","count":7}'), headers: [] }], {
    timeoutMs: 1,
  })
  await expect.poll(() => transport.consumers()).toMatchObject([{ lagCount: 0 }])
  const { warnings } = await redriveDeadLetters(driver, { ...selection, watchMs: 60_000 })
  await done.reached
  expect(warnings).toEqual([])
})

it('says that the topic is gone, and writes nothing', async () => {
  const driver = await connect('memory')
  await bury(driver, [{}])
  const describe: QueueDriver['describe'] = async (of, group) =>
    driver.describe(of === topic ? 'shop.gone.v1' : of, group)
  await expect(redriveDeadLetters(withChanges(driver, { describe }), selection)).rejects.toMatchObject({
    code: 'not_found',
    message: `topic ${topic}, which the messages would go back to, is gone`,
  })
  expect(await listAudits(driver, owner)).toEqual([])
})

it.each<[options: object, problem: string]>([
  [{ by: '' }, 'by must be a line of text with 1 to 200 characters, found ""'],
  [{ by: undefined }, 'by must be a line of text with 1 to 200 characters, found nothing'],
  [{ by: 'x'.repeat(201) }, 'by must be a line of text with 1 to 200 characters, found 201 characters'],
  [{ by: 'a\u001bb' }, 'by must be a line of text'],
  [{ group: undefined }, 'group must be a line of text'],
  [{ topic: 7 }, 'topic must be a line of text'],
  [{ ratePerSecond: 0 }, 'ratePerSecond must be a whole number from 1 to 1000000, found 0'],
  [{ maxCount: 0 }, 'maxCount must be a whole number from 1 to 1000000, found 0'],
  [{ timeoutMs: 1.5 }, 'timeoutMs must be a whole number from 1 to 600000, found 1.5'],
  [{ watchMs: -1 }, 'watchMs must be a whole number from 0 to 600000, found -1'],
  [{ dryRun: 'yes' }, 'dryRun must be true or false, found "yes"'],
  [{ repeatUncertain: 1 }, 'repeatUncertain must be true or false, found 1'],
  [{ where: { code: 'nope' } }, 'where.code must be one of '],
  [{ positions: [] }, 'positions must be a list of positions of letters, at least one'],
  [{ positions: ['x'] }, `positions[0] must be a position such as ${letters}/0@17, found "x"`],
  [
    { positions: [`${topic}.dlq.other/0@0`] },
    `positions[0] must be a position in ${letters}, found one in ${topic}.dlq.other`,
  ],
  [{ rate: 5 }, 'redriveDeadLetters: "rate" is no option, perhaps ratePerSecond is meant'],
])('refuses %o', async (options, problem) => {
  const driver = await connect('memory')
  await bury(driver, [{}])
  await expect(redriveDeadLetters(driver, { ...selection, ...options } as RedriveLettersOptions)).rejects.toThrow(
    problem,
  )
  expect(await recordsIn(driver, topic)).toEqual([])
})
