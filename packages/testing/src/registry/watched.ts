import type { Discovery, Instance } from '@tenon/core/registry'
import { requireEqual, requireTrue } from '../conformance/assertion.ts'
import { eventually } from '../eventually.ts'

/** A watch whose snapshots are read as they come. */
export interface Watched {
  readonly snapshots: readonly (readonly Instance[])[]
  /** @throws AssertionError before the first one. */
  readonly newest: readonly Instance[]
  /** What `onTrouble` was told. */
  readonly troubles: readonly Error[]
  /** How the watch ended; undefined while it goes on. */
  readonly end: unknown
  /** Resolves with the first snapshot that has exactly these instances, by their addresses. */
  sees(instances: readonly Instance[], limitMs: number): Promise<readonly Instance[]>
  /** @throws AssertionError when the watch has ended or thrown. */
  requireGoing(): void
  /** Fires the signal, and resolves when the watch has ended. */
  leave(): Promise<void>
}

/** Reads a watch until it ends. */
export function watched(discovery: Discovery, name: string): Watched {
  const snapshots: (readonly Instance[])[] = []
  const troubles: Error[] = []
  const leaving = new AbortController()
  let end: unknown
  const read = async () => {
    const { signal } = leaving
    for await (const snapshot of discovery.watch(name, { signal, onTrouble: (error) => troubles.push(error) }))
      snapshots.push(snapshot)
    end = signal.aborted ? 'by its signal' : 'before its signal fired'
  }
  const reading = read().catch((error: unknown) => (end = error ?? 'by throwing nothing'))
  const newest = () => {
    const last = snapshots.at(-1)
    requireTrue(last !== undefined, 'expected a first snapshot, found none')
    return last
  }
  return {
    snapshots,
    troubles,
    get newest() {
      return newest()
    },
    get end() {
      return end
    },
    sees: (instances, limitMs) =>
      eventually(
        () => {
          requireEqual(addressesOf(newest()), addressesOf(instances), 'the watch should show')
          return newest()
        },
        { timeoutMs: limitMs },
      ),
    requireGoing: () => requireEqual(end, undefined, 'a watch goes on until its signal fires; its end should be'),
    leave: async () => {
      leaving.abort()
      await reading
    },
  }
}

/** By what instances are told apart here: not every registry tells ids. */
export function addressesOf(instances: readonly Instance[]): readonly string[] {
  return instances.map(addressOf).toSorted()
}

/** Of the first endpoint. */
export function addressOf({ endpoints: [endpoint] }: Instance): string {
  return `${endpoint?.host}:${endpoint?.port}`
}
