/** Where lines are written. */
interface Destination {
  write(line: string): unknown
  flush(done: (error?: Error) => void): void
}

/** Where lines of log go: to a destination, and to who wants them too. */
export class LogOutput {
  readonly #destination: Destination
  /** Undefined for nobody. */
  listener: ((line: string) => void) | undefined

  constructor(destination: Destination) {
    this.#destination = destination
  }

  write(line: string): void {
    this.#destination.write(line)
    this.listener?.(line)
  }

  /** Calls back when the destination has all. */
  flush(done: (error?: Error) => void): void {
    this.#destination.flush(done)
  }
}
