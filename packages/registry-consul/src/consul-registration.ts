import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type AnnounceOptions,
  type Instance,
  type InstanceChange,
  persist,
  type Registration,
  takenOver,
  type Try,
  Turns,
} from '@tenon/core/registry'
import { unlessAborted } from '@tenon/core/transport'
import { pause } from './agent/follow-index.ts'
import { linkedAbort } from './agent/linked-abort.ts'
import { TokenBucket } from './agent/token-bucket.ts'
import { checkStatus, type Incarnation } from './consul-mapping.ts'
import type { ConsulSettings } from './consul-options.ts'
import type { InstanceCalls } from './instance-calls.ts'
import { isAnnounced, isGone, isUpdated } from './shown-entries.ts'

export interface RegistrationParts {
  readonly calls: InstanceCalls
  readonly settings: ConsulSettings
  /** Told of an instance that was left under maintenance; `remove` takes it away. */
  readonly onParked: (remove: (signal: AbortSignal) => Promise<void>) => void
}

/** Keeps one instance in Consul. */
export class ConsulRegistration implements Registration {
  readonly #parts: RegistrationParts
  readonly #incarnationId = randomUUID()
  readonly #life = new AbortController()
  readonly #lost = new AbortController()
  #instance: Instance
  #revision = 1
  /** Resolves when nothing keeps the instance any more. */
  #kept: Promise<void> = Promise.resolve()
  /** What is told the agent is told one after the other. */
  readonly #turns = new Turns()
  /** A guess: a record that somebody changes all the time is put right twice a second. */
  readonly #pace = new TokenBucket({ burst: 5, refillMs: 500 })

  private constructor(instance: Instance, parts: RegistrationParts) {
    this.#instance = instance
    this.#parts = parts
  }

  /** @throws AgentError, and Error for an instance that does not fit; nothing is left of it then, as far as Consul answers. */
  static async announce(
    instance: Instance,
    options: AnnounceOptions,
    parts: RegistrationParts,
  ): Promise<ConsulRegistration> {
    const registration = new ConsulRegistration(instance, parts)
    const { signal, onTrouble } = options
    signal.throwIfAborted()
    try {
      await parts.calls.register(instance, registration.#incarnation, { takeOver: true, signal })
      await parts.calls.untilShown(instance, isAnnounced(registration.#incarnation), { awaited: 'it', signal })
    } catch (error) {
      await registration.#removeOwn(AbortSignal.timeout(cleanUpMs)).catch(() => undefined)
      throw error
    }
    const keep = (one: Try) => registration.#keep(one)
    registration.#kept = persist(keep, { signal: registration.#life.signal, onTrouble })
    return registration
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async update(change: InstanceChange, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#life.signal.aborted) return
    const instance = { ...this.#instance, ...change }
    const incarnation = { id: this.#incarnationId, revision: this.#revision + 1 }
    this.#parts.calls.check(instance, incarnation)
    this.#instance = instance
    this.#revision = incarnation.revision
    await this.#ensure(signal)
    if (this.#lost.signal.aborted) return
    const status = this.#parts.settings.check === 'ttl' ? checkStatus[instance.health ?? 'serving'] : undefined
    await this.#parts.calls.untilShown(instance, isUpdated(incarnation, status), { awaited: 'the change', signal })
  }

  async withdraw({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#lost.signal.aborted) return
    this.#life.abort()
    await unlessAborted(this.#kept, signal)
    if (this.#parts.settings.onDrain === 'maintenance') await this.#park(signal)
    else await this.#removeOwn(signal)
  }

  get #incarnation(): Incarnation {
    return { id: this.#incarnationId, revision: this.#revision }
  }

  /**
   * Looks after the instance until something fails, or the agent has something else than it was told: an agent that is gone is noticed by
   * the connection that waits for a change of the record, and everything is told it anew when it is back.
   */
  async #keep(one: Try): Promise<void> {
    const { signal } = one
    await pause(this.#pace, signal)
    const hash = await this.#ensure(signal)
    if (hash === undefined) return
    one.succeeded()
    const { controller, unlink } = linkedAbort(signal)
    const parts = [this.#untilOther(hash, controller.signal), this.#renew(controller.signal)]
    try {
      await Promise.race(parts)
    } finally {
      controller.abort()
      unlink()
      await Promise.allSettled(parts)
    }
  }

  /**
   * Makes the agent have what it should have, and says how the instance is.
   *
   * @returns the hash of what it has; undefined where another life of the instance has taken over.
   */
  #ensure(signal: AbortSignal): Promise<string | undefined> {
    return this.#turns.take(async () => {
      let isCheckKnown = true
      for (let count = 0; count < ensureCount; count += 1) {
        // Anew each time: a check that is not known may have gone because another life has taken over just now.
        const found = await this.#parts.calls.look(this.#instance, { signal })
        if (found && found.incarnation?.id !== this.#incarnationId) return this.#lose()
        const isTold = isCheckKnown && found?.incarnation?.revision === this.#revision
        if (!isTold) await this.#register()
        isCheckKnown = await this.#report(signal)
        if (isTold && isCheckKnown) return found.hash ?? ''
      }
      throw new Error(`Consul forgets the instance ${this.#instance.id} as soon as it is told of it`)
    }, signal)
  }

  #lose(): undefined {
    this.#lost.abort(takenOver(this.#instance.id))
    this.#life.abort()
  }

  /** Not cut short: what is on its way could arrive after the instance was withdrawn. */
  #register(): Promise<void> {
    const signal = new AbortController().signal
    return this.#parts.calls.register(this.#instance, this.#incarnation, { takeOver: false, signal })
  }

  async #report(signal: AbortSignal): Promise<boolean> {
    const { calls, settings } = this.#parts
    return settings.check !== 'ttl' || calls.report(this.#instance, this.#incarnationId, signal)
  }

  /** Ends when the agent has nothing of this instance any more, or something else. */
  async #untilOther(known: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const found = await this.#parts.calls.look(this.#instance, { hash: known, signal })
      const { id, revision } = found?.incarnation ?? {}
      if (id !== this.#incarnationId || revision !== this.#revision || found?.hash !== known) return
      await pause(this.#pace, signal)
    }
  }

  /** Ends when the agent does not know the check any more. With a check that the agent makes itself there is nothing to renew. */
  async #renew(signal: AbortSignal): Promise<void> {
    const { check, ttlMs } = this.#parts.settings
    do await wait(ttlMs / 3, undefined, { signal, ref: false })
    while (check !== 'ttl' || (await this.#report(signal)))
  }

  #removeOwn(signal: AbortSignal): Promise<void> {
    return this.#turns.take(async () => {
      const { calls } = this.#parts
      if (!(await this.#isOwn(signal))) return
      await calls.deregister(this.#instance, signal)
      await calls.untilShown(this.#instance, isGone(this.#incarnation), { awaited: 'that it is gone', signal })
    }, signal)
  }

  #park(signal: AbortSignal): Promise<void> {
    return this.#turns.take(async () => {
      const { calls, onParked } = this.#parts
      if (!(await this.#isOwn(signal))) return
      await calls.maintain(this.#instance, signal)
      onParked((last) => this.#removeOwn(last))
      await calls.untilShown(this.#instance, isGone(this.#incarnation), { awaited: 'that it is gone', signal })
    }, signal)
  }

  async #isOwn(signal: AbortSignal): Promise<boolean> {
    const found = await this.#parts.calls.look(this.#instance, { signal })
    return found?.incarnation?.id === this.#incarnationId
  }
}

/** Once for a record that is right, twice for one that had to be made, and once more for a check that was gone. */
const ensureCount = 4

/** How long cleaning up may take that nobody waits for. A guess. */
const cleanUpMs = 3_000
