/** The part of a pino logger that Tenon and handlers use; any logger of that shape fits. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  child(fields: object): Logger
  /**
   * Writes what is kept back, and calls `done` then, as pino does; one that takes no callback may give a promise. Called once at the
   * end of a shutdown. A logger that keeps nothing back leaves it out.
   */
  flush?(done: (error?: Error) => void): unknown
}

/** Says nothing. */
export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
