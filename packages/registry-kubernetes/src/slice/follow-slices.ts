import { setTimeout as wait } from 'node:timers/promises'
import { backOffMs, type Instance, persist } from '@tenon/core/registry'
import { ApiError } from '../api/api-error.ts'
import type { KubernetesApi, SliceQuery } from '../kubernetes-api.ts'
import type { SliceObject } from './slice-event.ts'
import type { SliceSet } from './slice-set.ts'

export interface FollowOptions {
  readonly api: KubernetesApi
  readonly query: SliceQuery
  readonly set: SliceSet
  readonly signal: AbortSignal
  readonly onTrouble: ((error: Error) => void) | undefined
  /** Given what the slices tell: after each list, and after what changes it. */
  readonly show: (snapshot: readonly Instance[]) => void
}

/**
 * Keeps a set of slices as the API server has it, until the signal fires: lists them, then watches for changes from there on, one watch after
 * the other. After anything that goes wrong they are listed again, for nobody says whether the server that answers then is the same: its
 * store may have been set back.
 */
export function followSlices(options: FollowOptions): Promise<void> {
  const { signal, onTrouble } = options
  return persist(
    async (one) => {
      const follower = new Follower(options, () => one.succeeded())
      try {
        await follower.run()
      } catch (error) {
        await follower.failed(error)
      }
    },
    { signal, onTrouble },
  )
}

/** One list, and the watches that follow it. */
class Follower {
  readonly #options: FollowOptions
  readonly #succeeded: () => void
  #version = ''
  #shown: readonly Instance[] = []
  #hasHeard = false

  constructor(options: FollowOptions, succeeded: () => void) {
    this.#options = options
    this.#succeeded = succeeded
  }

  async run(): Promise<never> {
    await this.#list()
    for (;;) {
      await this.#watch()
      await this.#pause(backOffMs(0, { firstMs: betweenWatchesMs, longestMs: betweenWatchesMs }))
    }
  }

  /** Waits for as long as the server asks; a version that is gone is no failure, unless it is gone at once. */
  async failed(error: unknown): Promise<void> {
    const { onTrouble } = this.#options
    if (!(error instanceof ApiError)) throw error
    if (error.isGone && this.#hasHeard) return this.#pause(betweenWatchesMs)
    if (error.retryAfterMs === undefined) throw error
    onTrouble?.(error)
    await this.#pause(Math.min(error.retryAfterMs, longestAskedMs))
  }

  async #list(): Promise<void> {
    const { api, query, set, signal } = this.#options
    const slices: SliceObject[] = []
    let next: string | undefined
    do {
      const page = await api.list(query, { next, signal })
      slices.push(...page.slices)
      this.#version = page.version
      next = page.next
    } while (next !== undefined)
    set.replace(slices)
    this.#show(set.snapshot())
  }

  async #watch(): Promise<void> {
    const { api, query, set, signal } = this.#options
    for await (const events of api.watch(query, { version: this.#version, signal })) {
      for (const event of events) {
        if (event.type === 'error') throw api.refused(query, event)
        if (event.type === 'put') set.put(event.slice)
        if (event.type === 'drop') set.drop(event.slice)
        this.#version = event.type === 'bookmark' ? event.version : event.slice.version
        this.#hasHeard = true
        this.#succeeded()
      }
      this.#showChanged(set.snapshot())
    }
  }

  #showChanged(snapshot: readonly Instance[]): void {
    const isSame = snapshot.length === this.#shown.length && snapshot.every((one, index) => one === this.#shown[index])
    if (!isSame) this.#show(snapshot)
  }

  #show(snapshot: readonly Instance[]): void {
    this.#shown = snapshot
    this.#options.show(snapshot)
  }

  async #pause(delayMs: number): Promise<void> {
    await wait(delayMs, undefined, { signal: this.#options.signal, ref: false })
  }
}

/** A guess: a proxy that ends each watch at once is asked some ten times a second. */
const betweenWatchesMs = 100

/** A guess: API servers ask for some seconds, and a mistake must not blind for hours. */
const longestAskedMs = 30_000
