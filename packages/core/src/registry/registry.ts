/** One running copy of a service, as others find it. */
export interface Instance {
  /**
   * Differs between two copies that run at the same time. It may stay the same when a copy is started again: announcing an id takes over
   * what was announced under it before.
   */
  readonly id: string
  /** The service's name. */
  readonly name: string
  readonly version: string
  readonly endpoints: readonly Endpoint[]
  /** Where it runs, such as `eu-central-1a`; callers may prefer their own. */
  readonly zone?: string
  /** 0–1000; one with 0 is called only while no other can be. Those above are told to callers, who take turns whatever they are. @defaultValue 1 */
  readonly weight?: number
  /** What else callers may know of it. Keys of letters, digits, `-`, `_` and `.`. */
  readonly metadata?: Readonly<Record<string, string>>
  /** @defaultValue `serving` */
  readonly health?: InstanceHealth
}

export interface Endpoint {
  /** `http`, `grpc` */
  readonly protocol: string
  readonly host: string
  readonly port: number
}

/** Takes calls; takes them, but is about to go, so that they are better sent elsewhere; takes none. */
export type InstanceHealth = 'serving' | 'draining' | 'not_serving'

/** What of an announced instance may change while it is announced. What is left out stays. */
export type InstanceChange = Pick<Partial<Instance>, 'health' | 'metadata' | 'weight'>

/** A registry, or the half of one: a place to be found in, a place to find others, or both. */
export type Registry = (Registrar | Discovery | (Registrar & Discovery)) & RegistryParts

interface RegistryParts {
  /** Short, for descriptions and what is generated from them: `consul`, `kubernetes`. */
  readonly name?: string
  /** The servers it connects to, for whoever has to open a way to them: `host:port`, or a URL, of which nothing else is told. */
  readonly connectsTo?: readonly (string | { reveal(): string })[]
  /** Releases its connections, when every watch has ended and everything is withdrawn. Safe to call twice. */
  close?(): Promise<void>
}

/**
 * Announces instances.
 *
 * An implementation guarantees that an announced instance is visible to a `Discovery` of the same registry when `announce`
 * has resolved, and gone when `withdraw` has; that it announces again by itself when the registry forgot the instance; and
 * that an instance whose process died disappears within a time the implementation states.
 */
export interface Registrar {
  /**
   * Called when the service is ready, that is when its checks have passed for the first time; and again, with growing delay,
   * when that was refused later than at the start, or after `lost`. Never twice at the same time. The signal fires when the
   * service is asked to stop: give up then, or what is resolved all the same is withdrawn at once.
   *
   * An id that is announced already, by an earlier life of the same copy, is taken over: whatever that does later, also its
   * `withdraw`, leaves the new one alone, and its `lost` fires with `takenOver()` once it learns of it.
   */
  announce(instance: Instance, options: AnnounceOptions): Promise<Registration>
}

export interface AnnounceOptions {
  readonly signal: AbortSignal
  /** Told when the registry cannot be reached or refuses while the registration is kept up: once for each try. Never throws. */
  readonly onTrouble?: (error: Error) => void
}

export interface Registration {
  /**
   * Fires when the registry has lost the instance and it could not be announced again. The registration is over then: it must
   * have released what it held, and is not withdrawn.
   */
  readonly lost: AbortSignal
  /**
   * Changes what others see. Visible to a `Discovery` when it resolves, and kept when the registration has to be announced again;
   * what could not be told the registry now is told it with the next renewal. Not called twice at the same time, nor after `withdraw`.
   */
  update(change: InstanceChange, options: { readonly signal: AbortSignal }): Promise<void>
  /** Removes the instance. Called first on drain; safe to call twice. Rejects where the registry may still show it. */
  withdraw(options: { readonly signal: AbortSignal }): Promise<void>
}

/**
 * Finds instances.
 *
 * An implementation guarantees full snapshots, the first at once, each ordered by id and frozen; and that an outage of the
 * registry leaves the last known list in force: it goes on by itself, and a watch neither throws nor ends before its signal fires.
 * After an outage the list is given again, changed or not.
 */
export interface Discovery {
  /** Every list of instances of a name, from the current one on, until the signal fires. A slow reader is given the newest only. */
  watch(name: string, options: WatchOptions): AsyncIterable<readonly Instance[]>
}

export interface WatchOptions {
  readonly signal: AbortSignal
  /** Told when the registry cannot be reached or refuses, or what it says cannot be read: once for each try. Never throws. */
  readonly onTrouble?: (error: Error) => void
}
