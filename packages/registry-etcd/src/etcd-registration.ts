import { randomUUID } from 'node:crypto'
import {
  type AnnounceOptions,
  type Instance,
  type InstanceChange,
  persist,
  type Registration,
  takenOver,
  Turns,
} from '@tenon/core/registry'
import type { EtcdApi } from './api/etcd-api.ts'
import { EtcdError } from './api/etcd-error.ts'
import { type Arrived, type compare, compareResult, compareTarget, type keyValue, methods } from './api/etcd-message.ts'
import type { EtcdRegistrySettings } from './etcd-options.ts'
import type { Given } from './api/message-codec.ts'
import { readValue, toKey, toValue } from './etcd-mapping.ts'
import { followKeys, type KeyChange, type KeyRange, oneKey } from './follow-keys.ts'

export interface RegistrationTarget {
  readonly api: EtcdApi
  readonly settings: EtcdRegistrySettings
}

/**
 * Puts the instance under a lease and keeps it there.
 *
 * @throws EtcdError; the reason of the signal when it fires; Error when a file of a certificate cannot be read or used
 */
export async function announceInEtcd(
  target: RegistrationTarget,
  instance: Instance,
  options: AnnounceOptions,
): Promise<Registration> {
  const registration = new EtcdRegistration(target, instance)
  await registration.begin(options)
  return registration
}

class EtcdRegistration implements Registration {
  readonly #api: EtcdApi
  readonly #settings: EtcdRegistrySettings
  readonly #key: KeyRange
  /** Tells this announcement from earlier and later ones of the same id. */
  readonly #incarnation = randomUUID()
  readonly #lost = new AbortController()
  readonly #end = new AbortController()
  readonly #turns = new Turns()
  #instance: Instance
  /** The value that etcd has, as far as is known. */
  #told: string | undefined
  #lease: bigint | undefined
  #alarm = Promise.withResolvers<void>()
  #work: Promise<unknown> | undefined

  constructor({ api, settings }: RegistrationTarget, instance: Instance) {
    this.#api = api
    this.#settings = settings
    this.#instance = instance
    this.#key = oneKey(toKey(settings.prefix, instance))
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async begin({ signal, onTrouble }: AnnounceOptions): Promise<void> {
    try {
      this.#lease = await this.#grant(signal)
      await this.#write([], signal)
    } catch (error) {
      // The key may be there all the same.
      await this.#release(AbortSignal.timeout(this.#settings.requestTimeoutMs)).catch(() => undefined)
      throw error
    }
    this.#work = Promise.all([this.#renew(onTrouble), this.#follow(onTrouble)])
  }

  async update(change: InstanceChange, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.#instance = { ...this.#instance, ...change }
    try {
      await this.#turns.take((until) => this.#hold(until), signal)
    } catch (error) {
      this.#alarm.resolve()
      throw error
    }
  }

  async withdraw({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.#end.abort()
    this.#alarm.resolve()
    await this.#work
    await this.#turns.take((until) => this.#release(until), signal)
  }

  /** Renews the lease at every third of its time, and at once when the key is not as it should be. Never rejects. */
  async #renew(onTrouble: AnnounceOptions['onTrouble']): Promise<void> {
    const { signal } = this.#end
    let waitMs = this.#settings.ttlMs / 3
    await persist(
      async (one) => {
        await this.#pause(waitMs)
        if (signal.aborted) return
        waitMs = 0
        await this.#turns.take((until) => this.#hold(until), signal)
        one.succeeded()
        waitMs = this.#settings.ttlMs / 3
      },
      { signal, onTrouble },
    )
  }

  /** Sees at once that the key was deleted or taken over, or that etcd was started anew without it. Never rejects. */
  #follow(onTrouble: AnnounceOptions['onTrouble']): Promise<void> {
    const look = (last: KeyChange | undefined) => {
      const text = last === undefined || 'isDeleted' in last ? undefined : last.text
      this.#told = text
      if (text !== this.#value()) this.#alarm.resolve()
    }
    return followKeys({
      api: this.#api,
      keys: this.#key,
      signal: this.#end.signal,
      onTrouble,
      onList: ([only]) => look(only),
      onChange: (changes) => look(changes.at(-1)),
    })
  }

  async #pause(waitMs: number): Promise<void> {
    const timer = setTimeout(this.#alarm.resolve, waitMs).unref()
    await this.#alarm.promise
    clearTimeout(timer)
    this.#alarm = Promise.withResolvers()
  }

  /** Makes sure that the key is there, as it should be, under a lease that lives; or gives up what another one has taken over. */
  async #hold(signal: AbortSignal): Promise<void> {
    if (this.#end.signal.aborted) return
    if (!(await this.#isAlive(signal))) this.#lease = await this.#grant(signal)
    const { key } = this.#key
    const isOurs = { target: compareTarget.lease, result: compareResult.equal, key, lease: this.#lease ?? 0n }
    const [holder, isHeld] = await this.#write([isOurs], signal)
    if (isHeld) return
    if (holder !== undefined && !this.#isOwn(holder)) return this.#giveUp()
    // There is none, or it is our own of a lease that is no more.
    const modRevision = holder?.modRevision ?? 0n
    const isSame = { target: compareTarget.mod, result: compareResult.equal, key, modRevision }
    const [, isPut] = await this.#write([isSame], signal)
    if (!isPut) throw new Error(`etcd: ${this.#key.name} was changed while it was announced again`)
  }

  /** Whether the lease was renewed. */
  async #isAlive(signal: AbortSignal): Promise<boolean> {
    if (this.#lease === undefined) return false
    const asked = `renew the lease of ${this.#key.name}`
    const { ttl } = await this.#api.ask(methods.leaseKeepAlive, { id: this.#lease }, { signal, asked })
    return ttl > 0n
  }

  async #grant(signal: AbortSignal): Promise<bigint> {
    const ttl = BigInt(Math.ceil(this.#settings.ttlMs / 1_000))
    const asked = `grant a lease for ${this.#key.name}`
    const { id } = await this.#api.ask(methods.leaseGrant, { ttl }, { signal, asked })
    return id
  }

  /** Puts the value where the conditions hold, unless etcd has it; else says what is there. */
  async #write(
    conditions: readonly Given<(typeof compare)['fields']>[],
    signal: AbortSignal,
  ): Promise<[holder: Holder | undefined, isWritten: boolean]> {
    const { key, name } = this.#key
    const value = this.#value()
    const put = { requestPut: { key, value: encoder.encode(value), lease: this.#lease ?? 0n } }
    const success = value === this.#told ? [] : [put]
    const request = { compare: conditions, success, failure: [{ requestRange: { key } }] }
    const { succeeded, responses } = await this.#api.ask(methods.txn, request, { signal, asked: `put ${name}` })
    this.#told = succeeded ? value : undefined
    return [responses[0]?.responseRange?.kvs[0], succeeded]
  }

  #value(): string {
    return toValue({ instance: this.#instance, incarnation: this.#incarnation })
  }

  #isOwn({ value }: Holder): boolean {
    try {
      return readValue(new TextDecoder().decode(value)).incarnation === this.#incarnation
    } catch {
      return false
    }
  }

  async #giveUp(): Promise<void> {
    this.#end.abort()
    this.#alarm.resolve()
    // Nothing hangs on it any more, and it would end by itself.
    await this.#release(AbortSignal.timeout(this.#settings.requestTimeoutMs)).catch(() => undefined)
    this.#lost.abort(takenOver(this.#instance.id))
  }

  /** Ends the lease, and with it the key, unless another one has taken it over. */
  async #release(signal: AbortSignal): Promise<void> {
    if (this.#lease === undefined) return
    const options = { signal, asked: `withdraw ${this.#key.name}` }
    try {
      await this.#api.ask(methods.leaseRevoke, { id: this.#lease }, options)
    } catch (error) {
      if (!(error instanceof EtcdError) || !error.isLeaseGone) throw error
    }
    this.#lease = undefined
  }
}

type Holder = Arrived<typeof keyValue>

const encoder = new TextEncoder()
