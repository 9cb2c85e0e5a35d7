import { describe, expect, it } from 'vitest'
import type { Call } from '../call.ts'
import { chooseRange, type Representation, selectRange } from './byte-range.ts'

const modifiedAt = Date.UTC(2024, 4, 5, 6, 7, 8, 900)
const film: Representation = { sizeBytes: 1000, etag: '"v1"', modifiedAt }

describe('chooseRange', () => {
  it.each([
    [undefined, 'whole'],
    ['bytes=0-', { startByte: 0, endByte: 1000 }],
    ['bytes=0-0', { startByte: 0, endByte: 1 }],
    ['Bytes= 10-19 ', { startByte: 10, endByte: 20 }],
    ['bytes=990-5000', { startByte: 990, endByte: 1000 }],
    ['bytes=-1', { startByte: 999, endByte: 1000 }],
    ['bytes=-5000', { startByte: 0, endByte: 1000 }],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    [`bytes=${'9'.repeat(400)}-`, 'unsatisfiable'],
    ['bytes=20-10', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=-1-2', 'whole'],
    ['items=0-1', 'whole'],
    ['', 'whole'],
  ])('of %j is %j', (range, expected) => {
    expect(chooseRange({ range, ifRange: undefined }, film)).toEqual(expected)
  })

  it('of nothing is never satisfiable', () => {
    expect(chooseRange({ range: 'bytes=0-', ifRange: undefined }, { sizeBytes: 0 })).toBe('unsatisfiable')
    expect(chooseRange({ range: 'bytes=-1', ifRange: undefined }, { sizeBytes: 0 })).toBe('unsatisfiable')
  })

  it.each([
    ['"v1"', true],
    ['"v2"', false],
    ['W/"v1"', false],
    ['Sun, 05 May 2024 06:07:08 GMT', true],
    ['Sun, 05 May 2024 06:07:09 GMT', false],
    ['nonsense', false],
    ['', false],
  ])('is for those who have the version: If-Range %j', (ifRange, isTaken) => {
    const chosen = chooseRange({ range: 'bytes=1-2', ifRange }, film)
    expect(chosen).toEqual(isTaken ? { startByte: 1, endByte: 3 } : 'whole')
  })

  it('is the whole for a version that nothing is known of', () => {
    const size = { sizeBytes: 10 }
    expect(chooseRange({ range: 'bytes=1-2', ifRange: '"v1"' }, size)).toBe('whole')
    expect(chooseRange({ range: 'bytes=1-2', ifRange: 'Sun, 05 May 2024 06:07:08 GMT' }, size)).toBe('whole')
    const weak = { sizeBytes: 10, etag: 'W/"v1"' }
    expect(chooseRange({ range: 'bytes=1-2', ifRange: 'W/"v1"' }, weak)).toBe('whole')
  })
})

describe('selectRange', () => {
  const callWith = (metadata: Call['metadata']) => {
    const headers: Record<string, string> = {}
    const call: Pick<Call, 'metadata' | 'setHeader'> = {
      metadata,
      setHeader: (name, value) => void (headers[name] = value),
    }
    return { call: call as Call, headers }
  }

  it('says what to read, and describes it in headers', () => {
    const { call, headers } = callWith({ range: 'bytes=10-19', 'if-range': '"v1"' })
    expect(selectRange(call, film)).toEqual({ startByte: 10, endByte: 20 })
    expect(headers).toEqual({
      'accept-ranges': 'bytes',
      'content-length': '10',
      'content-range': 'bytes 10-19/1000',
      etag: '"v1"',
      'last-modified': 'Sun, 05 May 2024 06:07:08 GMT',
    })
  })

  it('is the whole where nobody asked for less', () => {
    const { call, headers } = callWith({})
    expect(selectRange(call, { sizeBytes: 3 })).toEqual({ startByte: 0, endByte: 3 })
    expect(headers).toEqual({ 'accept-ranges': 'bytes', 'content-length': '3' })
  })

  it('refuses what does not exist, and says how much does', () => {
    const { call, headers } = callWith({ range: 'bytes=1000-' })
    expect(() => selectRange(call, film)).toThrow(
      expect.objectContaining({ code: 'out_of_range', reason: 'range_not_satisfiable' }),
    )
    expect(headers).toEqual({ 'content-range': 'bytes */1000' })
  })
})
