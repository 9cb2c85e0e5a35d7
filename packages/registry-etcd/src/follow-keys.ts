import { persist } from '@tenon/core/registry'
import type { EtcdApi } from './api/etcd-api.ts'
import { type Arrived, eventType, type event, type keyValue, methods, type watchResponse } from './api/etcd-message.ts'

export interface FollowOptions {
  readonly api: EtcdApi
  readonly keys: KeyRange
  readonly signal: AbortSignal
  readonly onTrouble?: ((error: Error) => void) | undefined
  /**
   * Everything there is: at first, and after whatever may have kept something from being told. What is the same as before is told again when the
   * watch has begun: an outage is not over as long as keys can be read but not watched.
   */
  readonly onList: (all: readonly KeyText[]) => void
  /** What has changed since, in order. */
  readonly onChange: (changes: readonly KeyChange[]) => void
}

/** One key, or all from it up to another one. */
export interface KeyRange {
  /** For messages. */
  readonly name: string
  readonly key: Uint8Array
  /** The first that does not belong to it. */
  readonly rangeEnd?: Uint8Array
}

/** A key and its value. */
export interface KeyText {
  readonly key: string
  /** Undefined for what is no UTF-8. */
  readonly text: string | undefined
}

/** A key with its new value, or one that was deleted. */
export type KeyChange = KeyText | { readonly key: string; readonly isDeleted: true }

/** All keys with a prefix. @see etcd, rpc.proto, RangeRequest.range_end */
export function withPrefix(prefix: string): KeyRange {
  const key = encoder.encode(prefix)
  // UTF-8 has no byte 0xff, so that the last one can always be raised.
  return { name: prefix, key, rangeEnd: key.with(-1, (key.at(-1) ?? 0) + 1) }
}

export function oneKey(name: string): KeyRange {
  return { name, key: encoder.encode(name) }
}

/**
 * Follows keys until the signal fires: reads them at a revision and watches from the next one on, so that nothing is missed
 * and nothing told twice. Every watch begins with a read: a server that has lost its data counts anew, and would say nothing at a revision
 * that it has not reached. Never rejects.
 */
export async function followKeys({ api, keys, signal, onTrouble, ...told }: FollowOptions): Promise<void> {
  const { name, ...range } = keys
  const options = { signal, asked: `read ${name}` }
  const known = new KnownKeys()
  await persist(
    async (one) => {
      const { header, kvs } = await api.ask(methods.range, range, options)
      const all = kvs.map(toKeyText)
      let isTold = known.replace(all)
      if (isTold) told.onList(all)
      const startRevision = (header?.revision ?? 0n) + 1n
      const responses = api.watch({ ...range, startRevision, fragment: true }, { ...options, asked: `watch ${name}` })
      let events: Arrived<typeof event>[] = []
      for await (const response of responses) {
        // What comes next is no longer kept: all is read again.
        if (response.compactRevision > 0n) return
        requireOpen(response, name)
        one.succeeded()
        if (!isTold) told.onList(all)
        isTold = true
        events.push(...response.events)
        if (response.fragment || events.length === 0) continue
        const changes = events.flatMap(toChange)
        known.change(changes)
        told.onChange(changes)
        events = []
      }
      if (!signal.aborted) throw new Error(`etcd has ended the watch of ${name}`)
    },
    { signal, onTrouble },
  )
}

/** What was told last. */
class KnownKeys {
  #texts: Map<string, string | undefined> | undefined

  /** Whether that is another list. */
  replace(all: readonly KeyText[]): boolean {
    const before = this.#texts
    this.#texts = new Map(all.map(({ key, text }) => [key, text]))
    const isKnown = ({ key, text }: KeyText) => before?.has(key) === true && before.get(key) === text
    return before?.size !== all.length || !all.every(isKnown)
  }

  change(changes: readonly KeyChange[]): void {
    for (const one of changes) {
      if ('isDeleted' in one) this.#texts?.delete(one.key)
      else this.#texts?.set(one.key, one.text)
    }
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function requireOpen({ canceled, cancelReason }: Arrived<typeof watchResponse>, name: string): void {
  if (canceled) throw new Error(`etcd has cancelled the watch of ${name}: ${cancelReason || 'it gave no reason'}`)
}

function toChange({ type, kv }: Arrived<typeof event>): readonly KeyChange[] {
  if (kv === undefined) return []
  const one = toKeyText(kv)
  return [type === eventType.delete ? { key: one.key, isDeleted: true } : one]
}

function toKeyText({ key, value }: Arrived<typeof keyValue>): KeyText {
  return { key: toText(key) ?? Buffer.from(key).toString('latin1'), text: toText(value) }
}

function toText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
