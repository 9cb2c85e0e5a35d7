import { randomBytes, randomUUID } from 'node:crypto'

/** A text that a schema allows, another each time where it can be. */
export function makeText(schema: Readonly<Record<string, unknown>>): string | undefined {
  const { pattern, format, minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  if (schema['x-int64'] !== undefined) return '1'
  if (schema['x-bytes'] !== undefined) return Buffer.from('tenon').toString('base64')
  const form = typeof pattern === 'string' ? new RegExp(pattern, 'u') : undefined
  const ofFormat = typeof format === 'string' ? formats[format]?.() : undefined
  const candidates = ofFormat === undefined ? plainTexts(Number(minLength), Number(maxLength)) : [ofFormat]
  return candidates.find(
    (text) => text.length >= Number(minLength) && text.length <= Number(maxLength) && form?.test(text) !== false,
  )
}

const formats: Readonly<Record<string, () => string>> = {
  uuid: randomUUID,
  email: () => `${word()}@example.com`,
  'date-time': () => new Date().toISOString(),
  date: () => new Date().toISOString().slice(0, 10),
  time: () => new Date().toISOString().slice(11),
  duration: () => 'PT1S',
  uri: () => `https://example.com/${word()}`,
  'uri-reference': () => `/${word()}`,
  url: () => `https://example.com/${word()}`,
  hostname: () => `${word()}.example.com`,
  ipv4: () => '192.0.2.1',
  ipv6: () => '2001:db8::1',
}

/** Forms that patterns often ask for. */
function plainTexts(minLength: number, maxLength: number): readonly string[] {
  const length = Math.min(Math.max(minLength, 12), maxLength)
  const letters = word().padEnd(length, 'a').slice(0, length)
  const digits = letters.replace(/\D/g, '1')
  return [
    letters,
    letters.toUpperCase(),
    digits,
    `${digits}.${digits}`,
    randomUUID(),
    `${letters}-1`,
    'a',
    'A',
    '1',
    'aa',
    'AA',
    'AAA',
  ]
}

/** Text of lower-case letters and digits that begins with a letter. */
function word(): string {
  return `s${randomBytes(8).toString('hex')}`
}
