import { WiringError } from '../error/setup-error.ts'
import type { Logger } from '../telemetry/log.ts'
import { type HealthCheckOptions, type HealthCheckSettings, resolveHealthCheck } from './check-settings.ts'
import type { PeerAddress } from './peer-address.ts'

/** A value of type `T` that can be injected: a class, or `token<T>('name')` where there is no class. */
export type Token<T = unknown> = (abstract new (...args: never[]) => T) | NamedToken<T>

/** Stands for something injectable that has no class. Made by `token()`. */
export interface NamedToken<T = unknown> {
  readonly description: string
  /** Carries the type only; never set. */
  readonly type?: T
}

/** The value a token stands for. */
export type TokenValue<Of> = Of extends Token<infer Value> ? Value : never

/** How something injectable is made, checked and released. Made by `provide()`. */
export interface Provider<T = unknown> {
  readonly token: Token<T>
  readonly needs: readonly Token[]
  /** Gets the values it needs, and a `CreateContext` after them. */
  create(...given: readonly unknown[]): T | Promise<T>
  readonly dispose: ((value: T, signal: AbortSignal) => unknown) | undefined
  readonly check: ((value: T, signal: AbortSignal) => unknown) | undefined
  /** How often the check runs, and what it decides. @defaultValue the defaults of a check */
  readonly checkSettings?: HealthCheckSettings | undefined
  /** The servers it connects to, as they were given. */
  readonly connectsTo?: readonly PeerAddress[] | undefined
  /** How the values of several transports become one. */
  readonly combine?: ((parts: readonly ProvidedPart<T>[]) => T) | undefined
  /** Set when the value is a client of another service. */
  readonly remote?: RemoteFacts | undefined
}

/** What one of several transports gives for a token. */
export interface ProvidedPart<T = unknown> {
  readonly from: TopicCarrier
  readonly value: T
}

/** A transport, as far as it matters which messages it carries. */
export interface TopicCarrier {
  readonly name: string
  /** @defaultValue it carries all topics */
  carriesTopic?(topic: string): boolean
}

/** Another service, as a client knows it. */
export interface RemoteFacts {
  /** Name of the contract. */
  readonly contract: string
  /** Name of the client transport. */
  readonly transport: string
  /** Where it is, as it was given. */
  readonly at: string
  /** Around every call that goes out, outermost first. */
  readonly interceptors: readonly { readonly name: string }[]
  /**
   * The same client of a service that is elsewhere, for `service.start({ remotes })`.
   *
   * @throws ConfigError `config.malformed` for an address that cannot be read
   */
  movedTo(at: string): Provider
  /** The same client, as a service has it. */
  calledBy(caller: Caller): Provider
}

/** The service that calls, as its remotes know it. */
export interface Caller {
  /** Tells its copies apart. */
  readonly instanceId: string
  /** Where it runs. */
  readonly zone: string | undefined
  readonly log: Logger
}

/** A token for something that has no class. Two tokens are never equal, whatever their description. */
export function token<T>(description: string): NamedToken<T> {
  return Object.freeze({ description })
}

/**
 * Marks a class that only stands for what a provider makes: without one it is missing, not constructed. Its text says what to add
 * then.
 */
export const standsForProvided: unique symbol = Symbol.for('tenon.stands_for_provided') as never

/** Whether a class may be constructed when nothing provides it. */
export function isConstructible(token: Token): token is new () => unknown {
  return typeof token === 'function' && !(standsForProvided in token)
}

/** What to add where nothing provides a token. */
export function remedyOf(token: Token): string {
  const own: unknown = Reflect.get(token, standsForProvided)
  return typeof own === 'string' ? own : `add provide(${tokenName(token)}, …) to the service's providers`
}

/** Whether something can be injected at all; the usual reason why not is a circle of imports, which leaves it undefined. */
export function isToken(of: unknown): of is Token {
  if (typeof of === 'function') return true
  return typeof of === 'object' && of !== null && 'description' in of && typeof of.description === 'string'
}

/** A token's name for messages; says what it is instead, when it is none. */
export function tokenName(of: Token): string {
  if (!isToken(of)) return String(of)
  return typeof of === 'function' ? of.name || '(anonymous class)' : of.description
}

/** The values of tokens, in their order. */
export type NeedValues<Needs extends readonly Token[]> = { readonly [Index in keyof Needs]: TokenValue<Needs[Index]> }

/** What `create` gets after the values it needs. */
export interface CreateContext {
  /**
   * Fires when the start is given up, because another provider failed or the service is asked to stop. Pass it on to what
   * connects; a value that comes all the same is released at once.
   */
  readonly signal: AbortSignal
}

export interface ProviderSpec<T, Needs extends readonly Token[]> {
  /** What must exist before; handed to `create` in this order. */
  readonly needs?: Needs
  /** Makes the value. The last argument, after what it needs, is the context. */
  readonly create: (...given: [...needed: NeedValues<Needs>, context: CreateContext]) => T | Promise<T>
  /**
   * Releases the value. Called once, after everything that was created later is released; the signal fires when its part of
   * the shutdown's time is over, and the shutdown goes on without it soon after. An object that several providers give is
   * released once, in the place of the first of them, by the first of their functions.
   *
   * @defaultValue the value's own `Symbol.asyncDispose` or `Symbol.dispose`, if it has one
   */
  readonly dispose?: (value: T, signal: AbortSignal) => unknown
  /**
   * Throws or rejects when the value cannot do its work now; run for readiness, and once before the service is ready. Not run
   * again while its last run has not ended: until then it counts as failed. With options: `{ run: (db) => db.ping(), intervalMs: 10_000 }`.
   *
   * @throws ConfigError `config.malformed`, `config.out_of_range` for the options.
   */
  readonly check?: ((value: T, signal: AbortSignal) => unknown) | ProviderCheck<T>
  /**
   * The servers it connects to, as `host:port` or a URL, for descriptions and network policies; nothing is done with them, and of a URL
   * nothing but hosts and ports is shown. What is undefined, as a setting may be, and what names no host and port, as a Unix socket, are left out.
   *
   * @defaultValue none
   */
  readonly connectsTo?: readonly (PeerAddress | undefined)[]
  /**
   * Makes one value of those that the transports of a service give for this token, which is an error otherwise. Only for
   * what a transport provides; called once they are all created, and never for one alone.
   */
  readonly combine?: (parts: readonly ProvidedPart<T>[]) => T
}

/** A check of a provider's value that says how often it runs, or what it decides. */
export interface ProviderCheck<T> extends HealthCheckOptions {
  /** Throws or rejects when the value cannot do its work now. */
  readonly run: (value: T, signal: AbortSignal) => unknown
}

/**
 * Declares how something injectable is made. Nothing runs before the service starts.
 *
 * @throws WiringError `wiring.missing_provider` for what is no token; undefined is the usual result of an import cycle.
 */
export function provide<T, const Needs extends readonly Token[] = readonly []>(
  of: Token<T>,
  spec: ProviderSpec<NoInfer<T>, Needs>,
): Provider {
  if (!isToken(of)) {
    const message = `provide(${tokenName(of)}, …): expected a class or a token, found ${tokenName(of)}: import cycle?`
    throw new WiringError([{ code: 'wiring.missing_provider', message }])
  }
  const { check } = spec
  return Object.freeze({
    token: of,
    needs: spec.needs ?? [],
    create: spec.create as Provider['create'],
    dispose: spec.dispose as Provider['dispose'],
    check: (typeof check === 'object'
      ? (value: T, signal: AbortSignal) => check.run(value, signal)
      : check) as Provider['check'],
    checkSettings: resolveHealthCheck(`provide(${tokenName(of)}, …): check`, typeof check === 'object' ? check : {}),
    combine: spec.combine as Provider['combine'],
    connectsTo: spec.connectsTo?.filter((address) => address !== undefined),
  })
}
