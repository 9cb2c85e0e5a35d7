import type { Logger } from '../../telemetry/log.ts'
import type { LogLevel, LogLevels } from './log-levels.ts'
import type { LogOutput } from './log-output.ts'

/** What a service's own log can be changed by while it runs. */
export interface LogControl {
  readonly levels: LogLevels
  readonly output: LogOutput
}

/**
 * The log of a service, whose level may change while it runs, for all lines or for those of one operation. A line is of the operation
 * that its own field `operation` names, or else that of the child it is written with.
 */
export class ServiceLog implements Logger {
  readonly control: LogControl
  /** Takes every line that it is given. */
  readonly #all: Logger
  readonly #operation: string | undefined

  constructor(all: Logger, control: LogControl, operation?: string) {
    this.#all = all
    this.control = control
    this.#operation = operation
  }

  debug(fields: object, message?: string): void {
    if (this.#allows('debug', fields)) this.#all.debug(fields, message)
  }

  info(fields: object, message?: string): void {
    if (this.#allows('info', fields)) this.#all.info(fields, message)
  }

  warn(fields: object, message?: string): void {
    if (this.#allows('warn', fields)) this.#all.warn(fields, message)
  }

  error(fields: object, message?: string): void {
    if (this.#allows('error', fields)) this.#all.error(fields, message)
  }

  child(fields: object): ServiceLog {
    return new ServiceLog(this.#all.child(fields), this.control, operationOf(fields) ?? this.#operation)
  }

  flush(done: (error?: Error) => void): void {
    this.control.output.flush(done)
  }

  #allows(level: LogLevel, fields: object): boolean {
    return this.control.levels.allows(level, operationOf(fields) ?? this.#operation)
  }
}

/** What is logged may be anything. */
function operationOf(fields: unknown): string | undefined {
  if (typeof fields !== 'object' || fields === null || !('operation' in fields)) return undefined
  return typeof fields.operation === 'string' ? fields.operation : undefined
}
