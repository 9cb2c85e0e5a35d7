import type { IncomingHttpHeaders } from 'node:http'
import type { OutgoingCall } from '@tenon/core/client'
import type { Metadata } from '@tenon/core/transport'
import { listName } from '../trailer-list.ts'
import type { WireReply } from './connection-pool.ts'

/** Tells the caller what the head of a reply says. */
export function tellHeaders({ headers }: WireReply, { onHeaders }: OutgoingCall): void {
  onHeaders?.(toMetadata(headers))
}

/** Tells the caller what stands behind a reply that has come in whole: trailer fields, or what the head names as such. */
export function tellTrailers({ headers, trailers }: WireReply, { onTrailers }: OutgoingCall): void {
  const fields = trailers()
  if (onTrailers === undefined || fields === undefined) return
  const told = { ...named(headers), ...toMetadata(fields) }
  if (Object.keys(told).length > 0) onTrailers(told)
}

function named(headers: IncomingHttpHeaders): Metadata {
  const list = headers[listName]
  if (typeof list !== 'string') return {}
  const names = list.split(',').map((name) => name.trim())
  return Object.fromEntries(Object.entries(toMetadata(headers)).filter(([name]) => names.includes(name)))
}

function toMetadata(headers: IncomingHttpHeaders): Metadata {
  const texts = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(', ') : value,
  ])
  return Object.fromEntries(texts) as Metadata
}
