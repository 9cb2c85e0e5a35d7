import type { SetupErrorCode } from './setup-error-code.ts'

/** One problem found while a service is put together. */
export interface SetupProblem {
  readonly code: SetupErrorCode
  /** What was expected, what was found, where, and what to do. */
  readonly message: string
}

/** An error for the programmer: the service is put together wrongly. Lists every problem found, not only the first. */
export abstract class SetupError extends Error {
  readonly problems: readonly SetupProblem[]

  constructor(problems: readonly SetupProblem[], cause?: unknown) {
    super(
      problems.map(({ code, message }) => `${message} [${code}]`).join('\n'),
      cause === undefined ? undefined : { cause },
    )
    this.problems = problems
  }

  /** The code of the first problem. */
  get code(): SetupErrorCode | undefined {
    return this.problems[0]?.code
  }
}

/** A setting is missing, cannot be read, or is out of range. */
export class ConfigError extends SetupError {
  override readonly name: string = 'ConfigError'
}

/** A contract, or a handler that claims to implement one, is wrong. */
export class ContractError extends SetupError {
  override readonly name: string = 'ContractError'
}

/** The parts of a service do not fit together. */
export class WiringError extends SetupError {
  override readonly name: string = 'WiringError'
}

/** A service could not start or was asked for something its state does not allow. */
export class LifecycleError extends SetupError {
  override readonly name: string = 'LifecycleError'
}
