import { event, int64 } from '@tenon/core/contract'
import type { PayloadFormat } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { headersOf, topic } from '../../queue-transport.test-harness.ts'
import type { ReceivedRecord } from '../../queue-driver.ts'
import { listAudits } from '../audit/list-audits.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { bury, connect, type GivenLetter, owner, recordsIn, selection } from '../dead-letter.test-harness.ts'
import type { LetterPatch } from './letter-patch.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'
import type { RedriveLettersOptions } from './redrive-options.ts'

const payload = Type.Object({ orderId: Type.String(), count: Type.Integer() })
const placed = event(topic, { key: 'orderId', payload })
const upperFormat: PayloadFormat = {
  name: 'upper',
  contentType: 'application/x-upper',
  compile: () => ({
    write: (value) => Buffer.from(JSON.stringify(value).toUpperCase()),
    read: (bytes) => JSON.parse(Buffer.from(bytes).toString().toLowerCase().replace('orderid', 'orderId')) as unknown,
  }),
}
const structured = { 'content-type': 'application/cloudevents+json; charset=UTF-8' }
const envelope = (more: object) => JSON.stringify({ specversion: '1.0', id: '1', source: 's', type: topic, ...more })

/** What goes back of one letter that is patched. */
async function redriven(letter: GivenLetter, options: Partial<RedriveLettersOptions>) {
  const driver = await connect('memory')
  await bury(driver, [letter])
  const result = await redriveDeadLetters(driver, { ...selection, ...options })
  const [record] = (await recordsIn(driver, topic)) as readonly ReceivedRecord[]
  const headers = headersOf(record)
  return {
    driver,
    result,
    headers,
    key: record?.key && String(record.key),
    value: record?.value && String(record.value),
  }
}

describe('a patch', () => {
  it('changes value, key and headers, keeps the rest, and is told in headers, result and audit', async () => {
    const headers = { 'Content-Type': 'application/json', 'X-Tenant': 'a', 'x-old': 'b', traceparent: '00-a-b-01' }
    const patch = {
      value: { orderId: 'l', count: 9 },
      key: 'l',
      headers: { 'x-tenant': 'c', 'X-Old': null, 'x-new': 'd' },
    }
    const { driver, result, ...record } = await redriven({ headers }, { patch, event: placed })
    expect(record).toEqual({
      key: 'l',
      value: '{"orderId":"l","count":9}',
      headers: {
        'Content-Type': 'application/json',
        traceparent: '00-a-b-01',
        'x-tenant': 'c',
        'x-new': 'd',
        'tenon-redrive-group': 'user',
        'tenon-redrive-letter': result.letters[0]?.position,
        'tenon-redrive-patched': 'value, key, header x-tenant, header x-old, header x-new',
      },
    })
    const patched = ['value', 'key', 'header x-tenant', 'header x-old', 'header x-new']
    expect(result.letters).toMatchObject([{ outcome: 'redriven', patched }])
    expect(await listAudits(driver, owner)).toMatchObject([{ letters: [{ patched }] }])
  })

  it('may be another for each letter, and none for some', async () => {
    const driver = await connect('memory')
    await bury(driver, [{ key: 'a' }, { key: 'a' }, { key: 'a' }])
    const patch = ({ source }: DeadLetter) => (source.offset === 1 ? { value: { orderId: 'a', count: 10 } } : undefined)
    const { letters } = await redriveDeadLetters(driver, { ...selection, patch })
    expect(letters.map(({ patched }) => patched)).toEqual([[], ['value'], []])
    const counts = (await recordsIn(driver, topic)).map(
      ({ value }) => JSON.parse(String(value)) as { readonly count: number },
    )
    expect(counts.map(({ count }) => count)).toEqual([0, 10, 2])
  })

  it.each<[what: string, letter: GivenLetter, options: Partial<RedriveLettersOptions>, value: string]>([
    ['bytes as they are', {}, { patch: { value: Buffer.from('raw') } }, 'raw'],
    ['plain JSON without an event', {}, { patch: { value: [1, null] } }, '[1,null]'],
    ['JSON null', {}, { patch: { value: null } }, 'null'],
    [
      'JSON of some kind',
      { headers: { 'content-type': 'application/vnd.shop+json; charset=utf-8' } },
      { patch: { value: { orderId: 'k', count: 3 } }, event: placed },
      '{"orderId":"k","count":3}',
    ],
    [
      'another format as its message is in it, whatever its event declares',
      { headers: { 'content-type': 'application/x-upper' } },
      { patch: { value: { orderId: 'k', count: 3 } }, event: placed, formats: [upperFormat] },
      '{"ORDERID":"K","COUNT":3}',
    ],
    [
      'an event in structured mode inside its envelope',
      { headers: structured, value: envelope({ data: { orderId: 'k' }, extra: 'x' }) },
      { patch: { value: { orderId: 'k', count: 3 } }, event: placed },
      envelope({ extra: 'x', data: { orderId: 'k', count: 3 } }),
    ],
    [
      'an event in structured mode in another format',
      { headers: structured, value: envelope({ datacontenttype: 'application/x-upper', data_base64: 'AA==' }) },
      { patch: { value: { orderId: 'k', count: 3 } }, event: placed, formats: [upperFormat] },
      envelope({
        datacontenttype: 'application/x-upper',
        data_base64: Buffer.from('{"ORDERID":"K","COUNT":3}').toString('base64'),
      }),
    ],
  ])('writes %s', async (_what, letter, options, value) => {
    const isUpper = JSON.stringify(letter).includes('x-upper')
    // What that format makes of keys is not theirs.
    const given = isUpper ? { ...letter, key: null } : letter
    expect((await redriven(given, options)).value).toBe(value)
  })

  it('writes numbers of 64 bits as the event says', async () => {
    const sized = event(topic, { key: 'orderId', payload: Type.Object({ orderId: Type.String(), size: int64() }) })
    const { value } = await redriven({}, { patch: { value: { orderId: 'k', size: 2n ** 60n } }, event: sized })
    expect(value).toBe('{"orderId":"k","size":"1152921504606846976"}')
  })

  it('mends a letter that lacks its value', async () => {
    const driver = await connect('memory')
    await bury(driver, [{ headers: {} }])
    const [letter] = await recordsIn(driver, `${topic}.dlq.user`)
    if (letter === undefined) throw new Error('expected a letter')
    const omitted = [...letter.headers, ['tenon-value-omitted', Buffer.from('true')] as const]
    await driver.produce([{ ...letter, value: null, headers: omitted }], { timeoutMs: 5_000 })
    const whole = await redriveDeadLetters(driver, {
      ...selection,
      positions: [`${topic}.dlq.user/${String(letter.partition)}@1`],
    })
    expect(whole.letters).toMatchObject([{ outcome: 'not_whole' }])
    const positions = whole.letters.map(({ position }) => position)
    const mended = await redriveDeadLetters(driver, {
      ...selection,
      positions,
      patch: { value: { orderId: 'k', count: 1 } },
    })
    expect(mended.redrivenCount).toBe(1)
  })
})

describe('a patch is refused, before anything is put back,', () => {
  const good = { orderId: 'k', count: 1 }
  it.each<[patch: unknown, options: Partial<RedriveLettersOptions>, problem: string]>([
    [7, {}, 'patch must be an object, found 7'],
    [{ values: 1 }, {}, 'patch: "values" is no option, perhaps value is meant'],
    [{ key: 7 }, {}, 'patch.key must be text, bytes or null, found 7'],
    [{ headers: [] }, {}, 'patch.headers must be an object'],
    [{ headers: { a: 7 } }, {}, 'patch.headers.a must be text, bytes or null, found 7'],
    [{ headers: { '': 'a' } }, {}, 'patch.headers must not have ""'],
    [{ headers: { 'Tenon-Redrive-Group': 'other' } }, {}, 'patch.headers must not have "Tenon-Redrive-Group"'],
    [{ value: { orderId: 'k', count: 'x' } }, { event: placed }, 'patch.value/count '],
    [{ value: { orderId: 'l', count: 1 } }, { event: placed }, "patch.key must be the text of the payload's orderId"],
    [{ value: good, key: null }, { event: placed }, "patch.key must be the text of the payload's orderId"],
    [{ value: good, key: 'l' }, { event: placed }, "patch.key must be the text of the payload's orderId"],
    [{ value: Buffer.from('{') }, { event: placed }, 'patch: nobody could read the message of '],
    [{ value: good, headers: { ce_type: 'other' } }, { event: placed }, 'patch: nobody could read the message of '],
    [{ value: 1n }, {}, 'patch.value cannot be written as application/json'],
    [{ value: () => 1 }, {}, 'patch.value cannot be written as application/json'],
    [
      { value: good, headers: { 'content-type': 'application/x-upper' } },
      {},
      'patch.value must be bytes, because the message is application/x-upper',
    ],
    [
      { value: good, headers: structured },
      {},
      'patch.value must be bytes, because the message is an event in structured mode',
    ],
    [
      { value: good },
      { event: event('shop.other.v1', { key: 'orderId', payload }) },
      `event must be that of topic ${topic}, found "shop.other.v1"`,
    ],
    [{ value: good }, { event: event(topic, { key: 'orderId', payload, format: 'upper' }) }, 'event cannot be used: '],
    [{ value: good }, { event: null as never }, `event must be that of topic ${topic}, found null`],
    [{ value: good }, { formats: ['upper'] as never }, 'formats[0] must be a format'],
  ])('%o', async (patch, options, problem) => {
    const driver = await connect('memory')
    await bury(driver, [{ value: 'garbage' }])
    for (const dryRun of [true, false]) {
      const redrive = redriveDeadLetters(driver, { ...selection, ...options, dryRun, patch: patch as LetterPatch })
      await expect(redrive).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining(problem) as string,
      })
    }
    expect(await recordsIn(driver, topic)).toEqual([])
  })
})
