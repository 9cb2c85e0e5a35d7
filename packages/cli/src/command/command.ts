import type { Terminal } from '../terminal.ts'
import type { OptionTable, ParsedArguments } from './parse-arguments.ts'

/** 0: fine. 1: the verdict is bad. 2: nothing could be said, for the command was used wrongly. */
export type ExitCode = 0 | 1 | 2

/** What a command is given besides its arguments. */
export interface Surroundings {
  readonly terminal: Terminal
  /** The file that child processes run, such as those a service is loaded in. */
  readonly childFile: string
}

/** One command of `tenon`. */
export interface Command {
  /** `check <service.ts>` */
  readonly usage: string
  readonly summary: string
  readonly options: OptionTable
  /** Lines for the help, behind the options. */
  readonly notes?: readonly string[]
  run(given: ParsedArguments, surroundings: Surroundings): Promise<ExitCode>
}

/** The command was used wrongly: the message says what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The service, or the project around it, is at fault: the message says what was expected where. Ends a command with exit code 1. */
export class FaultError extends Error {
  override readonly name = 'FaultError'
}
