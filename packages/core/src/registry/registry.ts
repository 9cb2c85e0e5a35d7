/** One running copy of a service, as others find it. */
export interface Instance {
  /** Differs between two running copies. */
  readonly id: string
  /** The service's name. */
  readonly name: string
  readonly version: string
  readonly endpoints: readonly Endpoint[]
  readonly zone?: string
  readonly metadata?: Readonly<Record<string, string>>
}

export interface Endpoint {
  /** `http`, `grpc` */
  readonly protocol: string
  readonly host: string
  readonly port: number
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
   */
  announce(instance: Instance, options: { readonly signal: AbortSignal }): Promise<Registration>
}

export interface Registration {
  /**
   * Fires when the registry has lost the instance and it could not be announced again. The registration is over then: it must
   * have released what it held, and is not withdrawn.
   */
  readonly lost: AbortSignal
  /** Removes the instance. Called first on drain; safe to call twice. */
  withdraw(options: { readonly signal: AbortSignal }): Promise<void>
}

/**
 * Finds instances.
 *
 * An implementation guarantees full snapshots, the first at once, and that an outage of the registry leaves the last known
 * list in force.
 */
export interface Discovery {
  /** Every list of instances of a name, from the current one on, until the signal fires. */
  watch(name: string, options: { readonly signal: AbortSignal }): AsyncIterable<readonly Instance[]>
}
