import { setTimeout as pause } from 'node:timers/promises'
import {
  type AnnounceOptions,
  type Discovery,
  type Instance,
  type InstanceChange,
  Newest,
  persist,
  type Registrar,
  type Registration,
  takenOver,
  toSnapshot,
  type WatchOptions,
} from '@tenon/core/registry'
import { within } from '../conformance/within.ts'
import type { RegistryHarness } from './registry-harness.ts'
import { ServedLink, type Wire } from './served-link.test-harness.ts'

/** How a served registry behaves, right or wrong. */
export interface ServedHabits {
  /** How long the server keeps an instance that is not renewed. */
  readonly ttlMs: number
  readonly renewMs: number
  /** After which a question that was not answered is given up. */
  readonly requestLimitMs: number
  readonly isRenewed: boolean
  /** Whether what a renewal finds missing is announced again. */
  readonly isAnnouncedAgain: boolean
  /** Whether it is announced again as it was changed, or as it was. */
  readonly areUpdatesKept: boolean
  /** Whether a withdrawal ends the renewals. */
  readonly isRenewalEnded: boolean
  readonly isNameExact: boolean
  readonly malformed: 'told' | 'hidden' | 'thrown'
  /** Whether the list is given again after an outage that changed nothing. */
  readonly isGivenAgain: boolean
  readonly isTakeoverTold: boolean
  readonly isOwnerChecked: boolean
}

export const rightHabits: ServedHabits = {
  // Far above what a busy machine keeps timers waiting.
  ttlMs: 2_000,
  renewMs: 50,
  requestLimitMs: 1_000,
  isRenewed: true,
  isAnnouncedAgain: true,
  areUpdatesKept: true,
  isRenewalEnded: true,
  isNameExact: true,
  malformed: 'told',
  isGivenAgain: true,
  isTakeoverTold: true,
  isOwnerChecked: true,
}

/** A registry with a server and a link that can be harmed, all in this process. */
export function servedHarness(habits: ServedHabits = rightHabits): RegistryHarness {
  return {
    name: 'served',
    // Limits only: what is right comes much earlier.
    bounds: { seenMs: 10_000, goneMs: 10_000, expiredMs: 10_000, noticedMs: 10_000 },
    areLongCasesRun: true,
    longOutageMs: 100,
    slowMs: 50,
    start: async () => {
      const server = new Server(habits)
      const [link, beside] = [new ServedLink(), new ServedLink()]
      return {
        link,
        open: async () => new ServedRegistry(server, link, habits),
        openBeside: async () => new ServedRegistry(server, beside, habits),
        crash: async (registry) => (registry as ServedRegistry).crash(),
        forget: async ({ id }) => server.forget(id),
        restart: async () => {
          server.forgetAll()
          for (const one of [link, beside]) one.closeAll()
        },
        corrupt: async (name) => server.corrupt(name),
        close: async () => server.forgetAll(),
      }
    },
  }
}

interface Held {
  readonly instance: Instance
  readonly owner: symbol
  readonly expiry: NodeJS.Timeout
}

/** Records by id, each kept for a while, and the revision of each name. */
class Server {
  readonly #habits: ServedHabits
  readonly #held = new Map<string, Held>()
  readonly #corrupted = new Set<string>()
  #revision = 0

  constructor(habits: ServedHabits) {
    this.#habits = habits
  }

  put(instance: Instance, owner: symbol): void {
    const { id } = instance
    const before = this.#held.get(id)
    clearTimeout(before?.expiry)
    const expiry = setTimeout(() => this.forget(id), this.#habits.ttlMs)
    this.#held.set(id, { instance, owner, expiry })
    if (before?.instance !== instance) this.#revision += 1
  }

  /** Whose id it is now. */
  ownerOf(id: string): symbol | undefined {
    return this.#held.get(id)?.owner
  }

  forget(id: string): void {
    clearTimeout(this.#held.get(id)?.expiry)
    if (this.#held.delete(id)) this.#revision += 1
  }

  forgetAll(): void {
    for (const id of this.#held.keys()) this.forget(id)
  }

  corrupt(name: string): void {
    this.#corrupted.add(name)
    this.#revision += 1
  }

  list(name: string): { readonly revision: number; readonly records: readonly (Instance | undefined)[] } {
    const isOf = (found: string) => (this.#habits.isNameExact ? found === name : found.startsWith(name))
    const found = [...this.#held.values()].map(({ instance }) => instance).filter((instance) => isOf(instance.name))
    return { revision: this.#revision, records: this.#corrupted.has(name) ? [undefined, ...found] : found }
  }

  get revision(): number {
    return this.#revision
  }
}

class ServedRegistry implements Registrar, Discovery {
  readonly #server: Server
  readonly #link: ServedLink
  readonly #habits: ServedHabits
  readonly #dead = new AbortController()
  #wire: Wire | undefined

  constructor(server: Server, link: ServedLink, habits: ServedHabits) {
    this.#server = server
    this.#link = link
    this.#habits = habits
  }

  async announce(instance: Instance, { onTrouble }: AnnounceOptions): Promise<Registration> {
    const { renewMs, isRenewed, isAnnouncedAgain, areUpdatesKept, isRenewalEnded, isTakeoverTold } = this.#habits
    const { id } = instance
    const owner = Symbol(id)
    const [lost, ending] = [new AbortController(), new AbortController()]
    let current = instance
    await this.#ask(() => this.#server.put(current, owner))
    const renew = (): boolean => {
      const holder = this.#server.ownerOf(id)
      if (holder !== undefined && holder !== owner) return false
      if (holder === owner || isAnnouncedAgain) this.#server.put(areUpdatesKept ? current : instance, owner)
      return true
    }
    const signal = AbortSignal.any([ending.signal, this.#dead.signal])
    const renewals = async () => {
      while (!signal.aborted) {
        await pause(renewMs, undefined, { signal })
        if (await this.#ask(renew)) continue
        ending.abort()
        if (isTakeoverTold) lost.abort(takenOver(id))
      }
    }
    const renewing = isRenewed ? persist(renewals, { signal, onTrouble }) : Promise.resolve()
    return {
      lost: lost.signal,
      update: async (change: InstanceChange) => {
        current = { ...current, ...change }
        await this.#ask(renew)
      },
      withdraw: async () => {
        if (isRenewalEnded) {
          ending.abort()
          await renewing
        }
        await this.#ask(() => {
          if (this.#server.ownerOf(id) === owner || !this.#habits.isOwnerChecked) this.#server.forget(id)
        })
      },
    }
  }

  async *watch(name: string, { signal, onTrouble }: WatchOptions): AsyncGenerator<readonly Instance[]> {
    const lists = new Newest<readonly Instance[]>()
    const ending = new AbortController()
    const leave = AbortSignal.any([signal, ending.signal, this.#dead.signal])
    let given: string | undefined
    let seen: number | undefined
    const look = () => (seen === this.#server.revision ? undefined : this.#server.list(name))
    const read = async (): Promise<void> => {
      for (; !leave.aborted; await pause(pollMs, undefined, { signal: leave })) {
        const found = await this.#ask(look)
        if (found === undefined) continue
        const list = this.#read(found.records, onTrouble)
        const text = JSON.stringify(list)
        if (text !== given) lists.put(list)
        given = text
        seen = found.revision
      }
    }
    const troubled = (error: Error) => {
      seen = undefined
      if (this.#habits.isGivenAgain) given = undefined
      onTrouble?.(error)
    }
    const reading = persist(read, { signal: leave, onTrouble: troubled })
    try {
      yield* lists.read(signal)
    } finally {
      ending.abort()
      await reading
    }
  }

  async close(): Promise<void> {
    this.#wire?.close()
    this.#wire = undefined
  }

  async crash(): Promise<void> {
    this.#dead.abort()
    await this.close()
  }

  #read(records: readonly (Instance | undefined)[], onTrouble: WatchOptions['onTrouble']): readonly Instance[] {
    const read = records.filter((record) => record !== undefined)
    if (read.length < records.length) {
      const trouble = new Error('a record cannot be read')
      if (this.#habits.malformed === 'thrown') throw trouble
      if (this.#habits.malformed === 'told') onTrouble?.(trouble)
    }
    return toSnapshot(read)
  }

  async #ask<T>(answer: () => T): Promise<T> {
    const wire = (this.#wire ??= this.#link.connect())
    try {
      return await within(wire.ask(answer), this.#habits.requestLimitMs)
    } catch (error) {
      wire.close()
      if (this.#wire === wire) this.#wire = undefined
      throw error
    }
  }
}

const pollMs = 5
