/** How much is logged; each level holds those after it. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** How high each stands; a line is written that stands as high as the level, or higher. */
const ranks = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Number.POSITIVE_INFINITY,
} as const satisfies Readonly<Record<LogLevel, number>>

/** All levels, the one that logs most first. */
export const logLevels = Object.freeze(Object.keys(ranks)) as readonly LogLevel[]

export function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}

/** Which lines are written: by the level of the service, and of an operation that has one of its own. May change at any time. */
export class LogLevels {
  /** What the service began with. */
  readonly initial: LogLevel
  #level: LogLevel
  #least: number
  readonly #operations = new Map<string, LogLevel>()

  constructor(initial: LogLevel) {
    this.initial = initial
    this.#level = initial
    this.#least = ranks[initial]
  }

  get level(): LogLevel {
    return this.#level
  }

  /** Of those operations that have one of their own. */
  get operations(): Readonly<Record<string, LogLevel>> {
    return Object.fromEntries(this.#operations)
  }

  set(level: LogLevel): void {
    this.#level = level
    this.#least = ranks[level]
  }

  /** Undefined for that of the service. */
  setOperation(operation: string, level: LogLevel | undefined): void {
    if (level === undefined) this.#operations.delete(operation)
    else this.#operations.set(operation, level)
  }

  /** Whether a line is written that is of an operation, or of none. */
  allows(level: LogLevel, operation: string | undefined): boolean {
    const own = operation === undefined ? undefined : this.#operations.get(operation)
    return ranks[level] >= (own === undefined ? this.#least : ranks[own])
  }
}
