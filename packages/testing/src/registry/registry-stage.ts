import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Discovery, Instance, InstanceChange, Registrar, Registration, Registry } from '@tenon/core/registry'
import { within } from '../conformance/within.ts'
import type { RegistryFeature } from './registry-feature.ts'
import type { RegistryBounds, RegistryHarness, RegistryLink, RegistryPlace } from './registry-harness.ts'
import { type Watched, watched } from './watched.ts'

/** What a case plays on: names and ids of its own, at a place of its own. */
export interface RegistryStage extends AsyncDisposable {
  /** The name that is watched and announced, unless another is given. */
  readonly name: string
  readonly bounds: RegistryBounds
  readonly slowMs: number
  readonly longOutageMs: number
  /** What harms the server, and the link to it. @throws TypeError for what the harness does not have. */
  readonly server: Pick<Required<RegistryPlace>, 'crash' | 'forget' | 'restart' | 'corrupt'>
  readonly link: Required<RegistryLink>
  /** Whether the registry under test can do something. */
  has(feature: RegistryFeature): boolean
  /** An instance with an id and an address that only this number has. */
  instance(number: number, fields?: Partial<Instance>): Instance
  /** A process with a registry, on the link. */
  open(): Promise<Process>
  /** The same beside the link. */
  openBeside(): Promise<Process>
  /** Makes the registry show exactly these instances under a name, however it does that. */
  show(instances: readonly Instance[], name?: string): Promise<void>
}

/** One that has a registry of its own. */
export interface Process {
  readonly registry: Registry
  readonly discovery: Discovery
  announce(instance: Instance): Promise<Announced>
  watch(name?: string): Watched
  /** The first snapshot of a new watch: what is there now. */
  look(name?: string): Promise<readonly Instance[]>
}

export interface Announced {
  readonly instance: Instance
  readonly lost: AbortSignal
  update(change: InstanceChange): Promise<void>
  withdraw(): Promise<void>
}

export async function openRegistryStage(harness: RegistryHarness): Promise<RegistryStage> {
  const { bounds, lacks = {}, slowMs = 1_000, longOutageMs = 30_000 } = harness
  const closeLimitMs = Math.min(longestCloseMs, harness.caseLimitMs ?? longestCloseMs)
  const place = await harness.start()
  const name = `suite-${randomUUID().slice(0, 8)}`
  const ending = new AbortController()
  const open = new Opened({ name, signal: ending.signal, closeLimitMs })
  const shown = new Map<string, Announced>()
  let announcer: Promise<Process> | undefined
  const openBeside = async () => open.add(await (place.openBeside ?? place.open).call(place))
  return {
    name,
    bounds,
    slowMs,
    longOutageMs,
    server: {
      crash: needed(place, 'crash'),
      forget: needed(place, 'forget'),
      restart: needed(place, 'restart'),
      corrupt: needed(place, 'corrupt'),
    },
    link: {
      cut: needed(place.link, 'cut'),
      freeze: needed(place.link, 'freeze'),
      slow: needed(place.link, 'slow'),
      restore: needed(place.link, 'restore'),
      connectionCount: needed(place.link, 'connectionCount'),
    },
    has: (feature) => lacks[feature] === undefined,
    instance: (number, fields = {}) => toInstance(name, number, fields),
    open: async () => open.add(await place.open()),
    openBeside,
    show: async (instances, of = name) => {
      if (place.publish) return place.publish(of, instances)
      announcer ??= openBeside()
      await showAnnounced(await announcer, { shown, instances, name: of })
    },
    [Symbol.asyncDispose]: async () => {
      await open.close()
      ending.abort()
      await within(place.close(), closeLimitMs)
    },
  }
}

/** A guess: what has not let go of a registry that may be out of reach by then is left behind. */
const longestCloseMs = 5_000

/** Announcements, or withdrawals, at the same time; a guess that no server minds. */
const laneCount = 32

interface Showing {
  readonly shown: Map<string, Announced>
  readonly instances: readonly Instance[]
  readonly name: string
}

async function showAnnounced(announcer: Process, { shown, instances, name }: Showing): Promise<void> {
  const fresh = instances.filter((instance) => !isDeepStrictEqual(shown.get(instance.id)?.instance, instance)).values()
  const lane = async () => {
    for (const instance of fresh) shown.set(instance.id, await announcer.announce(instance))
  }
  await Promise.all(Array.from({ length: laneCount }, lane))
  // At no time is there nobody, unless that is what is to be shown.
  const wanted = new Set(instances.map(({ id }) => id))
  const gone = [...shown.values()].filter(({ instance }) => instance.name === name && !wanted.has(instance.id))
  await inLanes(gone, async (announced) => {
    shown.delete(announced.instance.id)
    await announced.withdraw()
  })
}

async function inLanes<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const rest = all.values()
  const lane = async () => {
    for (const one of rest) await work(one)
  }
  await Promise.all(Array.from({ length: laneCount }, lane))
}

interface OpenedOptions {
  readonly name: string
  readonly signal: AbortSignal
  readonly closeLimitMs: number
}

/** The processes of a case, and what they have to let go of. */
class Opened {
  readonly #name: string
  readonly #signal: AbortSignal
  readonly #closeLimitMs: number
  readonly #registries: Registry[] = []
  readonly #announced = new Set<Announced>()
  readonly #watches: Watched[] = []

  constructor({ name, signal, closeLimitMs }: OpenedOptions) {
    this.#name = name
    this.#signal = signal
    this.#closeLimitMs = closeLimitMs
  }

  add(registry: Registry): Process {
    this.#registries.push(registry)
    const watch = (name = this.#name) => {
      const one = watched(toDiscovery(registry), name)
      this.#watches.push(one)
      return one
    }
    return {
      registry,
      get discovery() {
        return toDiscovery(registry)
      },
      announce: (instance) => this.#announce(toRegistrar(registry), instance),
      watch,
      look: async (name = this.#name) => {
        for await (const snapshot of toDiscovery(registry).watch(name, { signal: this.#signal })) return snapshot
        throw new Error('the watch ended before its first snapshot')
      },
    }
  }

  /** Withdraws, ends and closes everything, and does not mind what fails of it: the case has been judged. */
  async close(): Promise<void> {
    const attempt = (work: Promise<unknown>) => within(work, this.#closeLimitMs).catch(() => undefined)
    await Promise.all(this.#watches.map((watch) => attempt(watch.leave())))
    await attempt(inLanes([...this.#announced], (announced) => announced.withdraw().catch(() => undefined)))
    await Promise.all(this.#registries.map((registry) => attempt(Promise.resolve(registry.close?.()))))
  }

  async #announce(registrar: Registrar, instance: Instance): Promise<Announced> {
    const signal = this.#signal
    const registration: Registration = await registrar.announce(instance, { signal })
    const announced: Announced = {
      instance,
      lost: registration.lost,
      update: (change) => registration.update(change, { signal }),
      withdraw: async () => {
        await registration.withdraw({ signal })
        this.#announced.delete(announced)
      },
    }
    this.#announced.add(announced)
    return announced
  }
}

function toInstance(name: string, number: number, fields: Partial<Instance>): Instance {
  const host = `10.1.${Math.floor(number / 250)}.${(number % 250) + 1}`
  const endpoints = [{ protocol: 'grpc', host, port: 50_051 }]
  const id = `${fields.name ?? name}-${String(number).padStart(4, '0')}`
  return Object.freeze({ id, name, version: '1.0.0', endpoints, ...fields })
}

function toRegistrar(registry: Registry): Registrar {
  if ('announce' in registry) return registry
  throw new TypeError('the registry has no announce(), and the harness does not say that it lacks it')
}

function toDiscovery(registry: Registry): Discovery {
  if ('watch' in registry) return registry
  throw new TypeError('the registry has no watch(), which the suite sees by what is announced')
}

/** A method that a case needs, and that the harness may lack. */
function needed<Owner extends object, Name extends keyof Owner & string>(
  owner: Owner | undefined,
  name: Name,
): NonNullable<Owner[Name]> {
  const method: unknown = owner?.[name]
  const missing = () => {
    throw new TypeError(`the harness has no ${name}(), and does not say that it lacks what needs it`)
  }
  return (typeof method === 'function' ? method.bind(owner) : missing) as NonNullable<Owner[Name]>
}
