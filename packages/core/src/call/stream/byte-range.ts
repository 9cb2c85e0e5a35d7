import { ServiceError } from '../../error/service-error.ts'
import type { Call } from '../call.ts'

/** What is downloaded, as it stands now. */
export interface Representation {
  readonly sizeBytes: number
  /** Its version, with the quotes of an `ETag`: `"v7"`. A part of it is given only for the version the caller has. */
  readonly etag?: string | undefined
  /** Epoch milliseconds; sent in whole seconds. */
  readonly modifiedAt?: number | undefined
}

/** A part of a representation. */
export interface ByteRange {
  readonly startByte: number
  /** The byte behind the last one. */
  readonly endByte: number
}

/** What a caller asks for, as it wrote it. */
export interface AskedRange {
  /** The header `range`. */
  readonly range: string | undefined
  /** The header `if-range`. */
  readonly ifRange: string | undefined
}

/**
 * The part of a download that the caller asked for, the whole where it asked for none, and the headers that go with it
 * (`content-length`, `content-range`, `accept-ranges`, `etag`, `last-modified`): the handler reads that part and gives nothing
 * else. Several ranges are answered with the whole.
 *
 * To be called before the first item.
 *
 * @throws ServiceError `out_of_range` with reason `range_not_satisfiable` when nothing of what was asked for exists: 416 over HTTP.
 * @see RFC 9110 section 14
 */
export function selectRange(call: Call, representation: Representation): ByteRange {
  const { sizeBytes, etag, modifiedAt } = representation
  const { range, 'if-range': ifRange } = call.metadata
  const chosen = chooseRange({ range, ifRange }, representation)
  if (chosen === 'unsatisfiable') {
    call.setHeader('content-range', `bytes */${sizeBytes}`)
    throw rangeNotSatisfiable(sizeBytes)
  }
  const { startByte, endByte } = chosen === 'whole' ? { startByte: 0, endByte: sizeBytes } : chosen
  call.setHeader('accept-ranges', 'bytes')
  call.setHeader('content-length', String(endByte - startByte))
  if (chosen !== 'whole') call.setHeader('content-range', contentRange(chosen, sizeBytes))
  if (etag !== undefined) call.setHeader('etag', etag)
  if (modifiedAt !== undefined) call.setHeader('last-modified', new Date(modifiedAt).toUTCString())
  return { startByte, endByte }
}

/**
 * The one range a caller asks for. What cannot be understood, is no range of bytes, is several, or is meant for another version
 * is the whole.
 *
 * @see RFC 9110 sections 13.1.5, 14.1.2 and 14.2
 */
export function chooseRange(
  { range, ifRange }: AskedRange,
  representation: Representation,
): ByteRange | 'whole' | 'unsatisfiable' {
  const [, first = '', last = ''] = rangeForm.exec(range ?? '') ?? []
  if ((first === '' && last === '') || !isSameVersion(ifRange, representation)) return 'whole'
  const { sizeBytes } = representation
  if (first !== '' && last !== '' && Number(last) < Number(first)) return 'whole'
  const startByte = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const endByte = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1)
  return startByte < endByte ? { startByte, endByte } : 'unsatisfiable'
}

/** The value of `Content-Range`. @see RFC 9110 section 14.4 */
export function contentRange({ startByte, endByte }: ByteRange, sizeBytes: number): string {
  return `bytes ${startByte}-${endByte - 1}/${sizeBytes}`
}

export function rangeNotSatisfiable(sizeBytes: number): ServiceError {
  const message = `the range must lie within ${sizeBytes} bytes`
  return new ServiceError('out_of_range', message, { reason: 'range_not_satisfiable' })
}

const rangeForm = /^bytes=[\t ]*(\d*)-(\d*)[\t ]*$/i

/** A weak version, or a time that is not exactly the same, is another version. */
function isSameVersion(ifRange: string | undefined, { etag, modifiedAt }: Representation): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('"')) return ifRange === etag
  return modifiedAt !== undefined && Date.parse(ifRange) === Math.floor(modifiedAt / 1000) * 1000
}
