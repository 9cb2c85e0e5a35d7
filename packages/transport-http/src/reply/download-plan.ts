import type { IncomingHttpHeaders } from 'node:http'
import { chooseRange, contentRange, rangeNotSatisfiable, type ServiceError, type Success } from '@tenon/core/transport'

/** What of a download is sent. */
export interface DownloadPlan {
  readonly status: number
  /** Whether the handler gives more behind what is sent. */
  readonly isCutShort: boolean
  /** Bytes that the handler gives and the caller has not asked for. */
  readonly skippedBytes: number
  /** Undefined where it is known only at the end. */
  readonly lengthBytes: number | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** A download that has none of the bytes that were asked for. */
export interface DownloadRefusal {
  readonly error: ServiceError
  readonly headers: Readonly<Record<string, string>>
}

export interface DownloadRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

/**
 * What of a download is sent: all that the handler gives where it chose the part itself, which `content-range` tells, or where
 * nobody asked for a part; else the part that was asked for, where `content-length` tells the size of the whole.
 *
 * @throws TypeError for headers of the handler that no download can have.
 */
export function planDownload(
  request: DownloadRequest,
  given: NonNullable<Success['headers']>,
  status: number,
): DownloadPlan | DownloadRefusal {
  const sizeBytes = readSize(given['content-length'])
  const all = { status, isCutShort: false, skippedBytes: 0 }
  if (given['content-range'] !== undefined) return chosenByHandler(given['content-range'])
  if (sizeBytes === undefined) return { ...all, lengthBytes: undefined, headers: {} }
  const { range, 'if-range': ifRange } = request.headers
  const whole = { ...all, lengthBytes: sizeBytes, headers: status === 200 ? takesRanges : {} }
  if (range === undefined || request.method !== 'GET' || status !== 200) return whole
  const { etag, 'last-modified': modified } = given
  const modifiedAt = modified === undefined ? undefined : Date.parse(modified)
  const asked = { range, ifRange: Array.isArray(ifRange) ? undefined : ifRange }
  const chosen = chooseRange(asked, { sizeBytes, etag, modifiedAt })
  if (chosen === 'whole') return whole
  if (chosen === 'unsatisfiable')
    return { error: rangeNotSatisfiable(sizeBytes), headers: { 'content-range': `bytes */${sizeBytes}` } }
  const { startByte, endByte } = chosen
  const headers = { ...takesRanges, 'content-range': contentRange(chosen, sizeBytes) }
  const isCutShort = endByte < sizeBytes
  return { status: 206, isCutShort, skippedBytes: startByte, lengthBytes: endByte - startByte, headers }
}

const takesRanges = { 'accept-ranges': 'bytes' }

/** @see RFC 9110 section 14.4 */
const contentRangeForm = /^bytes (\d{1,15})-(\d{1,15})\/(?:\d+|\*)$/

function chosenByHandler(contentRange: string): DownloadPlan {
  const [, first = '', last = ''] = contentRangeForm.exec(contentRange) ?? []
  const lengthBytes = Number(last) - Number(first) + 1
  if (first === '' || lengthBytes < 1)
    throw new TypeError(`content-range must be such as bytes 0-99/1000, found "${contentRange}"`)
  return { status: 206, isCutShort: false, skippedBytes: 0, lengthBytes, headers: {} }
}

function readSize(contentLength: string | undefined): number | undefined {
  if (contentLength === undefined) return undefined
  if (!/^\d{1,15}$/.test(contentLength))
    throw new TypeError(`content-length must be the whole size in bytes, found "${contentLength}"`)
  return Number(contentLength)
}
