import type { ErrorCode } from '@tenon/core'

/** What the function of a sample is given. */
export interface SampleContext {
  /** How many inputs of this operation or event were asked for before. */
  readonly index: number
  /** The last output of another operation, by its id; undefined before the first. Of a stream, its last item. */
  latest(operation: string): unknown
}

/** Makes one input, or one payload; for an operation that takes a stream, the list of its items. */
export type SampleFunction = (context: SampleContext) => unknown

export interface SampleOptions {
  /** @defaultValue made from the operation's examples, or from its schema */
  readonly input?: SampleFunction
  /** Further metadata of the calls, such as `{ authorization: 'Bearer …' }`; keys are lower case. @defaultValue none */
  readonly metadata?: Readonly<Record<string, string>>
  /**
   * Codes that count as an answer.
   *
   * @defaultValue those that the operation declares, but for what a failed rollout looks like: `unavailable`, `cancelled`,
   *   `deadline_exceeded`, `unknown` and `internal`
   */
  readonly expects?: readonly ErrorCode[]
}

/**
 * What a service is called with while it is verified: the default export of a file, by the id of an operation
 * (`shop.user.v1.UserService/getUser`) or the topic of an event. False leaves it out.
 */
export type Samples = Readonly<Record<string, SampleFunction | SampleOptions | false>>
