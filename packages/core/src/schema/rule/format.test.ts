import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import Type from 'typebox'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Schema } from '../schema.ts'
import { compileSchema } from '../compiled-schema.ts'

interface Row {
  readonly format: string
  readonly fits: readonly string[]
  readonly breaks: readonly string[]
  /** The same in other libraries, where they have a word for it; theirs may be stricter. */
  readonly others: readonly Schema[]
}

const uuid = '8f1c2f6e-6a3e-4a57-9d8a-1b7c0f5f2d11'
const valibot = (schema: v.GenericSchema): Schema => toStandardJsonSchema(schema)
const label = 'a'.repeat(63)

const rows: readonly Row[] = [
  {
    format: 'uuid',
    fits: [uuid, uuid.toUpperCase(), '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    breaks: [
      '',
      uuid.slice(1),
      `${uuid}0`,
      uuid.replaceAll('-', ''),
      `{${uuid}}`,
      `urn:uuid:${uuid}`,
      `${uuid}\n`,
      'g'.repeat(36),
    ],
    others: [z.guid(), z.uuid(), type('string.uuid'), valibot(v.pipe(v.string(), v.uuid()))],
  },
  {
    format: 'email',
    fits: ['a@example.com', 'a.b+c@mail.example.co', 'A_1@EXAMPLE.com', `a@${label}.com`],
    breaks: [
      '',
      'a',
      'a@',
      '@example.com',
      'a@b@example.com',
      'a b@example.com',
      'a@exam ple.com',
      'a@-example.com',
      'a..b@example.com',
      'a@example.com\n',
      `a@${label}a.com`,
    ],
    others: [z.email(), type('string.email'), valibot(v.pipe(v.string(), v.email()))],
  },
  {
    format: 'date-time',
    fits: [
      '2024-02-29T23:59:59Z',
      '2024-01-01T00:00:00.123Z',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999999999Z',
    ],
    breaks: [
      '',
      '2024-01-01',
      '2024-01-01T00:00:00',
      '2024-01-01 00:00:00Z',
      '2023-02-29T00:00:00Z',
      '2024-13-01T00:00:00Z',
      '2024-01-01T24:00:00Z',
      '2024-01-01T00:60:00Z',
      '2024-01-01T00:00:00Z[Europe/Berlin]',
      '2024-01-01T00:00Z',
      '1704067200',
      '2024-01-01T00:00:00Z\n',
      '+002024-01-01T00:00:00Z',
    ],
    others: [z.iso.datetime(), valibot(v.pipe(v.string(), v.isoTimestamp()))],
  },
  {
    format: 'date',
    fits: ['2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31'],
    breaks: [
      '',
      '2023-02-29',
      '1900-02-29',
      '2024-00-01',
      '2024-01-32',
      '2024-1-1',
      '20240101',
      '2024-01-01T00:00:00Z',
      '2024-01-01\n',
    ],
    others: [z.iso.date(), valibot(v.pipe(v.string(), v.isoDate()))],
  },
  {
    format: 'uri',
    fits: [
      'https://example.com',
      'http://[::1]:8080/a?b=c#d',
      'mailto:a@example.com',
      'urn:isbn:0451450523',
      'https://example.com/%20',
    ],
    breaks: [
      '',
      'example.com',
      '/path',
      '//example.com',
      'http://exa mple.com',
      'https://example.com/<>',
      'http://[::1',
      '1http://x',
      'https://example.com/%2',
    ],
    others: [z.url(), type('string.url'), valibot(v.pipe(v.string(), v.url()))],
  },
  {
    format: 'ipv4',
    fits: ['0.0.0.0', '255.255.255.255', '192.168.0.1'],
    breaks: [
      '',
      '256.0.0.1',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '1.2.3.4/24',
      ' 1.2.3.4',
      '1.2.3.4\n',
      '0x7f.0.0.1',
      '::1',
    ],
    others: [z.ipv4(), type('string.ip.v4'), valibot(v.pipe(v.string(), v.ipv4()))],
  },
  {
    format: 'ipv6',
    fits: ['::', '::1', '2001:db8::8a2e:370:7334', 'fe80:0:0:0:0:0:0:1', 'FE80::1'],
    breaks: [
      '',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      'g::1',
      '::1%eth0',
      '[::1]',
      '127.0.0.1',
      '::1\n',
    ],
    others: [z.ipv6(), type('string.ip.v6'), valibot(v.pipe(v.string(), v.ipv6()))],
  },
  {
    format: 'hostname',
    fits: ['localhost', 'example.com', 'a-b.example', '1.example', label],
    breaks: [
      '',
      '-a.example',
      'a-.example',
      'a..b',
      'a_b.example',
      'a b',
      `${label}a`,
      'http://example.com',
      'example.com:80',
      'a.example\n',
    ],
    others: [z.hostname()],
  },
  {
    format: 'byte',
    fits: ['', 'AA==', 'AAA=', 'AAAA', '+/+/'],
    breaks: ['A', 'AA', 'AAA', 'AA=A', 'A===', '====', 'AB==', '-_-_', 'AAAA\n', ' AAAA', 'AA=='.repeat(2)],
    others: [],
  },
]

async function rulesOf(schema: Schema, value: unknown): Promise<readonly string[]> {
  const result = await compileSchema(schema).read(value)
  return result.ok ? [] : result.violations.map(({ rule }) => rule)
}

describe.each(rows)('$format', ({ format, fits, breaks, others }) => {
  const typebox = Type.String({ format })

  it('takes what it names', async () => {
    for (const text of fits) {
      for (const schema of [typebox, ...others]) expect([text, await rulesOf(schema, text)]).toEqual([text, []])
    }
  })

  it('refuses all else, whatever library asks for it', async () => {
    for (const text of breaks) {
      expect([text, await rulesOf(typebox, text)]).toEqual([text, ['format']])
      // A library may write a format out as a pattern, and be stricter with it.
      for (const schema of others) expect([text, await rulesOf(schema, text)]).not.toEqual([text, []])
    }
  })

  it('is no reason for a second complaint where the type is wrong', async () => {
    for (const value of [1, null, [], {}]) expect(await rulesOf(typebox, value)).toEqual(['type'])
  })

  it('is said in the same words everywhere', async () => {
    const [wrong = ''] = breaks
    const result = await compileSchema(Type.Object({ x: Type.Optional(typebox) })).read({ x: wrong })
    const message = `must match format "${format}"`
    expect(result).toEqual({ ok: false, violations: [{ field: '/x', message, rule: 'format' }] })
  })
})

it('takes a time zone as a number for a date-time', async () => {
  const schema = Type.String({ format: 'date-time' })
  for (const text of ['2024-01-01T00:00:00+00:00', '2024-01-01T00:00:00-23:59', '1990-12-31T23:59:60Z'])
    expect([text, await rulesOf(schema, text)]).toEqual([text, []])
})

it("runs a schema's own refinement beside its format", async () => {
  const schema = Type.Refine(
    Type.String({ format: 'byte' }),
    (text) => text !== 'AAAA',
    () => 'must not be zero',
  )
  expect(await rulesOf(schema, 'AAAA')).toEqual(['custom'])
  expect(await rulesOf(schema, 'AAA')).toEqual(['format'])
})

describe('text', () => {
  const read = (schema: Schema, text: string) => compileSchema(schema).read({ text })

  it.each([
    ['TypeBox', Type.Object({ text: Type.String() })],
    ['Zod', z.object({ text: z.string() })],
  ])('with half of a surrogate pair is refused, with %s', (_library, schema) => {
    for (const half of ['\ud83d', 'a\udc00b', '\udc00\ud83d'])
      expect(read(schema, half)).toMatchObject({
        ok: false,
        violations: [{ field: '/text', rule: 'unicode', message: 'must be well-formed Unicode' }],
      })
    expect(read(schema, 'tea \ud83c\udf75')).toEqual({ ok: true, value: { text: 'tea \ud83c\udf75' } })
  })

  it('is checked in names and inside of what no schema describes, too', () => {
    const refused = (schema: Schema, value: unknown) => compileSchema(schema).read({ value })
    expect(refused(Type.Object({ value: Type.Record(Type.String(), Type.Integer()) }), { '\ud800': 1 })).toMatchObject({
      ok: false,
      violations: [{ field: '/value', rule: 'unicode' }],
    })
    for (const value of ['\ud800', ['\ud800'], { a: '\ud800' }, { '\ud800': 1 }])
      expect(refused(Type.Object({ value: Type.Unknown() }), value)).toMatchObject({ ok: false })
    expect(refused(Type.Object({ value: Type.Unknown() }), { a: ['tea \ud83c\udf75', 1, null] })).toMatchObject({
      ok: true,
    })
  })
})
