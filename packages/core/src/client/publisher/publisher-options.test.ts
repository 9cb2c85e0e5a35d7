import { describe, expect, it } from 'vitest'
import type { ServiceError } from '../../error/service-error.ts'
import { checkKey, type PublishOptions, publishLimits, requirePublishable } from './publisher-options.ts'

/** What the log is told of options that are refused. */
function refusal(options: object): string {
  try {
    requirePublishable('event demo.made.v1', options as PublishOptions)
  } catch (thrown) {
    const { code, message, cause } = thrown as ServiceError
    // Whoever called the service learns nothing of it.
    expect({ code, message }).toEqual({ code: 'internal', message: 'a message cannot be published as it was given' })
    return String(cause)
  }
  return 'nothing'
}

describe('requirePublishable', () => {
  it('takes all that is within its bounds', () => {
    const { signal } = new AbortController()
    for (const options of [
      {},
      { key: undefined, headers: undefined, delayMs: undefined, expiresAfterMs: undefined, id: undefined },
      {
        key: 'k',
        headers: { 'X-Tenant': 'acme', 'x-note': 'Grüße\t世界' },
        delayMs: 0,
        expiresAfterMs: 1,
        id: 'i',
        signal,
      },
      { delayMs: publishLimits.maxDelayMs, expiresAfterMs: publishLimits.maxExpiresAfterMs, id: 'i'.repeat(256) },
      { key: 'k'.repeat(publishLimits.maxKeyBytes) },
    ])
      expect(refusal(options)).toBe('nothing')
  })

  it.each([
    'ce_id',
    'CE_Type',
    'ce-id',
    'content-type',
    'Content-Type',
    'tenon-not-before',
    'traceparent',
    'tracestate',
    'baggage',
  ])('refuses the header %s, which the publisher sets', (name) => {
    expect(refusal({ headers: { [name]: 'x' } })).toContain(
      `event demo.made.v1 cannot be published: header "${name}" is set by the publisher itself: leave it out`,
    )
  })

  it.each([
    [{ headers: { 'x a': '1' } }, 'header "x a" must be named with letters'],
    [{ headers: { '': '1' } }, 'header "" must be named with letters'],
    [{ headers: { 'x-ä': '1' } }, 'header "x-ä" must be named with letters'],
    [
      { headers: { 'x-a': 'one\r\ntwo' } },
      'header "x-a" must be one line of well-formed text, found text of 8 characters',
    ],
    [{ headers: { 'x-a': 3 } }, 'header "x-a" must be one line of well-formed text, found number'],
    [{ headers: { 'x-a': '\ud800' } }, 'found text with a lone surrogate'],
    [{ headers: 'x' }, 'headers must be an object, found text of 1 characters'],
    [{ delayMs: -1 }, 'delayMs must be a whole number from 0 to 86400000, found -1'],
    [{ delayMs: 1.5 }, 'delayMs must be a whole number from 0 to 86400000, found 1.5'],
    [{ delayMs: 86_400_001 }, 'delayMs must be a whole number from 0 to 86400000, found 86400001'],
    [{ delayMs: '5' }, 'delayMs must be a whole number from 0 to 86400000, found text of 1 characters'],
    [{ expiresAfterMs: 0 }, 'expiresAfterMs must be a whole number from 1 to 315360000000, found 0'],
    [{ expiresAfterMs: Number.POSITIVE_INFINITY }, 'found Infinity'],
    [{ delayMs: 5, expiresAfterMs: 5 }, 'expiresAfterMs must be more than delayMs, 5, found 5'],
    [{ id: '' }, 'id must be one line of 1 to 256 characters, found empty text'],
    [{ id: 'i'.repeat(257) }, 'id must be one line of 1 to 256 characters, found text of 257 characters'],
    [{ id: 'a\nb' }, 'id must be one line'],
    [{ key: '' }, 'key must have 1 to 1024 bytes of UTF-8, found 0'],
    [{ key: 'ä'.repeat(513) }, 'key must have 1 to 1024 bytes of UTF-8, found 1026'],
    [{ key: 5 }, 'key must be well-formed text, found number'],
    [{ key: 'a\udfff' }, 'key must be well-formed text, found text with a lone surrogate'],
    [{ signal: 'now' }, 'signal must be an AbortSignal, found text of 3 characters'],
    [{ expiresAfter: 5 }, '"expiresAfter" is no option; expected key, headers, delayMs, expiresAfterMs, id, signal'],
  ])('refuses %o', (options, told) => {
    expect(refusal(options)).toContain(told)
  })

  it('names everything that is wrong at once', () => {
    expect(refusal({ key: '', headers: { ce_id: '1', 'x-a': '\n' }, delayMs: -1 })).toMatch(
      /key must.*"ce_id".*"x-a".*delayMs/,
    )
  })

  it('refuses options that are none', () => {
    expect(refusal('now' as unknown as object)).toContain('the options must be an object, found text of 3 characters')
  })
})

describe('checkKey', () => {
  it('shows nothing of what it refuses', () => {
    expect(checkKey('secret'.repeat(500)).join()).not.toContain('secret')
  })
})
