import { pino } from 'pino'

/** Where lines of log go: to standard output, and to who wants them too. */
export class LogOutput {
  readonly #standard = pino.destination(1)
  /** Undefined for nobody. */
  listener: ((line: string) => void) | undefined

  write(line: string): void {
    this.#standard.write(line)
    this.listener?.(line)
  }

  /** Calls back when standard output has all. */
  flush(done: (error?: Error) => void): void {
    this.#standard.flush(done)
  }
}
