import { bytes, int64, timestamp, uint64 } from '@tenon/core/contract'
import fc from 'fast-check'
import Type from 'typebox'
import { type Leaf, leaf, type Sample } from './sample.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const double = (range: fc.DoubleConstraints) => fc.double({ ...range, noNaN: true, noDefaultInfinity: true })

export const ascii = (minLength: number, maxLength: number) =>
  fc.string({ unit: 'grapheme-ascii', minLength, maxLength })
export const noText = [7, true, [], {}]
const noNumber = ['x', '7', true, [], {}]

/** A text of a format, with texts that are not of it. */
function formatted(format: string, fitting: fc.Arbitrary<unknown>, ...misfits: readonly string[]): Leaf {
  const wrong = { 'bad format': fc.constantFrom(...misfits) }
  return { schema: Type.String({ format }), fitting, wrong, otherTypes: noText }
}

const two = (value: number) => String(value).padStart(2, '0')

/** Every day of four digits' years, those in February and of leap years among them. */
const date = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
  .map((instant) => instant.toISOString().slice(0, 10))

/** @see RFC 3339 section 5.6 */
const zone = fc.oneof(
  fc.constant('Z'),
  fc
    .tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59))
    .map(([sign, hours, minutes]) => `${sign}${two(hours)}:${two(minutes)}`),
)
const fraction = fc.option(fc.stringMatching(/^\.\d{1,9}$/), { nil: '' })
const dateTime = fc
  .tuple(date, fc.nat(23), fc.nat(59), fc.nat(59), fraction, zone)
  .map(([day, hour, minute, second, part, where]) => `${day}T${two(hour)}:${two(minute)}:${two(second)}${part}${where}`)

const base64 = fc.uint8Array({ maxLength: 8 }).map((value) => Buffer.from(value).toString('base64'))
/** @see RFC 5891 section 4.2.3.1: two hyphens in the third and fourth place are reserved */
const hostname = fc.domain().filter((name) => !/(?:^|\.)..--/.test(name))
const uri = fc.webUrl({ withQueryParameters: true, withFragments: true })

const formats: readonly Leaf[] = [
  formatted('uuid', fc.uuid(), '', 'x', '1-2-3'),
  formatted('email', fc.emailAddress(), '', 'x', 'a@', '@b.example', 'a b@c.example'),
  formatted('ipv4', fc.ipV4(), '', 'x', '1.2.3', '256.1.1.1'),
  formatted('ipv6', fc.ipV6(), '', 'x', '1:2', '1.2.3.4', '12345::'),
  formatted('uri', fc.oneof(uri, fc.constant('urn:example:a')), '', 'x', '/path', '//host/path', 'http://a b/'),
  formatted('hostname', hostname, '', '-a.example', 'a..b', 'a b'),
  formatted('byte', base64, 'x', '%', 'AAA*', 'a b c'),
  formatted('date', date, '', 'x', '2026-02-29', '2026-2-1', '2026-13-01'),
  formatted(
    'date-time',
    dateTime,
    '',
    'x',
    '2026-01-01',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00Z[Europe/Berlin]',
  ),
]

const numbers: readonly Leaf[] = [
  {
    schema: Type.Integer({ minimum: -5, maximum: 5 }),
    fitting: fc.integer({ min: -5, max: 5 }),
    wrong: {
      'too large': fc.integer({ min: 6, max: 2 ** 31 - 1 }),
      'too small': fc.integer({ min: -(2 ** 31), max: -6 }),
    },
    otherTypes: [...noNumber, 1.5],
  },
  {
    schema: Type.Integer(),
    fitting: fc.maxSafeInteger(),
    wrong: { 'beyond the safe integers': fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 60) },
    otherTypes: [...noNumber, 1.5],
  },
  {
    schema: Type.Number({ exclusiveMaximum: 1 }),
    fitting: double({ max: 1, maxExcluded: true }),
    wrong: { 'too large': double({ min: 1 }) },
    otherTypes: noNumber,
  },
  {
    schema: Type.Literal(7),
    fitting: fc.constant(7),
    wrong: { 'another constant': fc.constantFrom(0, 8, 7.5) },
    otherTypes: noNumber,
  },
  {
    schema: int64({ minimum: -(2n ** 63n), maximum: 2n ** 62n }),
    fitting: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 62n }),
    wrong: { 'too large': fc.bigInt({ min: 2n ** 62n + 1n, max: 2n ** 63n - 1n }) },
    otherTypes: ['x', '1.5', '01', String(2n ** 63n), 7, true, [], {}],
  },
]

/** What protobuf has a type for and JSON carries as text. */
const texts: readonly Leaf[] = [
  {
    schema: timestamp(),
    fitting: fc
      .tuple(date, fc.nat(23), fc.nat(59), fc.nat(59), fc.constantFrom('000', '120', '000001', '123000456'))
      .map(([day, hour, minute, second, part]) => `${day}T${two(hour)}:${two(minute)}:${two(second)}.${part}Z`),
    otherTypes: ['x', '2026-02-29T00:00:00.000Z', '2026-01-01T00:00:00', '2026-01-01T24:00:00Z', ...noText],
  },
  {
    schema: uint64({ maximum: 2n ** 63n }),
    fitting: fc.bigInt({ min: 0n, max: 2n ** 63n }),
    wrong: { 'too large': fc.bigInt({ min: 2n ** 63n + 1n, max: 2n ** 64n - 1n }) },
    otherTypes: ['x', '-1', '01', String(2n ** 64n), 7, true, [], {}],
  },
]

const others: readonly Leaf[] = [
  { schema: Type.String(), fitting: text, otherTypes: noText },
  {
    schema: Type.String({ minLength: 2, maxLength: 5 }),
    fitting: ascii(2, 5),
    wrong: { 'too long': ascii(6, 9), 'too short': ascii(0, 1) },
    otherTypes: noText,
  },
  { schema: Type.Boolean(), fitting: fc.boolean(), otherTypes: ['true', 1, [], {}] },
  {
    schema: Type.Union([Type.Literal('red'), Type.Literal('green')]),
    callerSchema: Type.Union([Type.Literal('red'), Type.Literal('green'), Type.Literal('blue')]),
    fitting: fc.constantFrom('red', 'green'),
    wrong: { 'unknown constant': fc.constant('blue') },
    otherTypes: ['', 'RED', ...noText],
  },
  {
    schema: bytes({ minLength: 1, maxLength: 8 }),
    fitting: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    wrong: { 'too long': fc.uint8Array({ minLength: 9, maxLength: 12 }), 'too short': fc.constant(new Uint8Array()) },
    otherTypes: ['%', 7, true, [], {}],
  },
]

/** A text, which keys a message. */
export const plainText: Sample = leaf({ schema: Type.String(), fitting: text, otherTypes: noText })

/** One of each kind of value that every transport carries. */
export const scalarSamples: readonly Sample[] = [...others, ...numbers, ...formats, ...texts].map(leaf)

/** Those that a reader fills in where they are absent. */
export const defaultSamples: readonly Sample[] = [
  leaf({
    schema: Type.String({ minLength: 1, default: 'none' }),
    initial: 'none',
    fitting: ascii(1, 5),
    wrong: { 'too short': fc.constant('') },
    otherTypes: noText,
  }),
  leaf({ schema: Type.Boolean({ default: true }), initial: true, fitting: fc.boolean(), otherTypes: ['true', 1] }),
  leaf({
    schema: Type.Integer({ minimum: 0, default: 3 }),
    initial: 3,
    fitting: fc.maxSafeNat(),
    wrong: { 'too small': fc.constant(-1) },
    otherTypes: noNumber,
  }),
]
