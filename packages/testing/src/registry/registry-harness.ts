import type { Instance, Registry } from '@tenon/core/registry'
import type { RegistryLacks } from './registry-feature.ts'

/** A registry under test: how to have it as other processes would have it, and how to harm it. */
export interface RegistryHarness {
  /** Short, for titles: `consul`. */
  readonly name: string
  /** Called once for every case, which closes the place at its end. Places of two cases must not share a link. */
  start(): Promise<RegistryPlace>
  /** What the registry cannot do, with the reason. Cases that need it are reported with the reason and not run. */
  readonly lacks?: RegistryLacks
  readonly bounds: RegistryBounds
  /** Whether an outage of half a minute is tried, too. @defaultValue false */
  readonly areLongCasesRun?: boolean
  /** How long the long outage is. @defaultValue 30_000 */
  readonly longOutageMs?: number
  /** How much later answers come on a slow link. @defaultValue 1_000 */
  readonly slowMs?: number
  /**
   * Longest time a case may take; one that waits for what never comes fails then. The long outage is added where there is one.
   *
   * @defaultValue 20_000, and three times each of the bounds
   */
  readonly caseLimitMs?: number
}

/** How long the suite waits for something before it fails. What comes earlier is right. */
export interface RegistryBounds {
  /** Until a watch shows what was announced or changed. */
  readonly seenMs: number
  /** Until a watch no longer shows what was withdrawn. */
  readonly goneMs: number
  /** Until an instance is gone whose process died, at the latest; for a registry that renews instances, and forgot one, until it is back. */
  readonly expiredMs: number
  /** Until an outage is noticed, a connection that is half-open included, or until its end is. */
  readonly noticedMs: number
}

/** Where a case takes place: a server, whether shared with others or not, and one link to it. Names and ids of each case are its own. */
export interface RegistryPlace {
  /** A registry as another process would have it: shares nothing with the others but the server. Its connections are on the link. */
  open(): Promise<Registry>
  /**
   * The same beside the link, as a process on a host of which nothing is wrong. Needed for faults of the link where instances are
   * announced. @defaultValue `open`
   */
  openBeside?(): Promise<Registry>
  /**
   * Makes the server show exactly these instances under a name; resolves when it does. In place of `announce` for what only discovers,
   * and preferred where it is given. What cannot change has it called before `open`.
   */
  publish?(name: string, instances: readonly Instance[]): Promise<void>
  /** Needed for the features of links that the registry has. */
  readonly link?: RegistryLink
  /** The process of a registry dies without a goodbye: nothing it does reaches the server any more. Needed for `expire`. */
  crash?(registry: Registry): Promise<void>
  /** The server loses an announced instance behind its back; resolves when it has. Needed for `forget`. */
  forget?(instance: Instance): Promise<void>
  /** Kills the server and starts it again with what it kept; resolves when it answers. Needed for `restart`. */
  restart?(): Promise<void>
  /** Leaves a record under a name, beside the instances, which cannot be read as one. Needed for `malformed`. */
  corrupt?(name: string): Promise<void>
  /** Ends what `start` has begun. Everything that was opened is closed by then, as far as it could be. */
  close(): Promise<void>
}

/** The way between what `open` gives and the server. Each resolves when it is so. */
export interface RegistryLink {
  /** Closes all connections and refuses new ones. */
  cut?(): Promise<void>
  /** Nothing arrives any more, and nobody says so: connections stay, also new ones, and bytes vanish. */
  freeze?(): Promise<void>
  /** All answers come later by a time, counted from now on. */
  slow?(delayMs: number): Promise<void>
  /** The link is as it was in the beginning. Connections that were frozen stay dead, as when a router has forgotten them. */
  restore?(): Promise<void>
  /** How many connections there are. */
  connectionCount?(): number
}
