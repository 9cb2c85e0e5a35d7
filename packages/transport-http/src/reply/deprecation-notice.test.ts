import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { compileNotice } from './deprecation-notice.ts'

const nothing = { deprecatedAt: undefined, sunsetAt: undefined, link: undefined }
const link = 'https://example.com/moves'
const success = { ok: true, value: 1, callId: 'call-1', headers: undefined } as const

test('a reply says since when, until when and where to', () => {
  const notice = compileNotice({ deprecatedAt: 1_688_169_599_999, sunsetAt: Date.UTC(1994, 10, 6, 8, 49, 37), link })
  expect(notice?.(success)).toEqual({
    ...success,
    headers: {
      deprecation: '@1688169599',
      sunset: 'Sun, 06 Nov 1994 08:49:37 GMT',
      link: `<${link}>; rel="deprecation"`,
    },
  })
  const failure = {
    ok: false,
    error: new ServiceError('aborted', 'x'),
    callId: 'call-1',
    headers: { 'x-a': '1' },
  } as const
  expect(compileNotice({ ...nothing, sunsetAt: 0 })?.(failure)).toEqual({
    ...failure,
    headers: { 'x-a': '1', sunset: 'Thu, 01 Jan 1970 00:00:00 GMT' },
  })
})

test('a link of the handler stays', () => {
  const given = { ...success, headers: { link: '</next>; rel="next"' } }
  expect(compileNotice({ ...nothing, link })?.(given).headers).toEqual({
    link: `<${link}>; rel="deprecation", </next>; rel="next"`,
  })
  expect(compileNotice({ ...nothing, deprecatedAt: 0 })?.(given).headers).toEqual({
    deprecation: '@0',
    link: '</next>; rel="next"',
  })
})

test('where nothing is known, nothing is said', () => {
  expect(compileNotice(undefined)).toBeUndefined()
  expect(compileNotice(nothing)).toBeUndefined()
})
