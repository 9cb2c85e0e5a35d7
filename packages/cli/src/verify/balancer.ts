import { Worker } from 'node:worker_threads'
import type { BalancerOrder, BalancerReport, ReadyBackend } from './balancer-message.ts'
import { DrainError } from './drain-error.ts'

/** A balancer before all instances of a service, in a thread of its own. */
export class Balancer implements AsyncDisposable {
  readonly #thread: Worker
  readonly #refused: (id: number, protocol: string) => void
  /** Who waits for its start, and then for each order to be obeyed. */
  readonly #waiting: PromiseWithResolvers<void>[] = []
  #addresses: Readonly<Record<string, string>> = {}
  #unledCount = 0
  #failure: DrainError | undefined

  private constructor(thread: Worker, refused: (id: number, protocol: string) => void) {
    this.#thread = thread
    this.#refused = refused
    thread.on('message', (report: BalancerReport) => this.#hear(report))
    thread.once('error', (error) => this.#fail(error instanceof Error ? error.message : String(error)))
    thread.once('exit', (exitCode) => this.#fail(`exit code ${exitCode}`))
  }

  /**
   * @param refused Is told of each connection that an instance did not take though it had said that it is ready.
   * @throws DrainError when its thread ends before it listens
   */
  static async start(
    file: string,
    protocols: readonly string[],
    refused: (id: number, protocol: string) => void,
  ): Promise<Balancer> {
    const balancer = new Balancer(new Worker(file, { workerData: { protocols } }), refused)
    await balancer.#untilTold()
    return balancer
  }

  /** Connections that came while no instance was ready, and were closed. */
  get unledCount(): number {
    return this.#unledCount
  }

  /** `127.0.0.1:12345`, where callers come in by a protocol. */
  addressOf(protocol: string): string | undefined {
    return this.#addresses[protocol]
  }

  /** Says who takes connections from now on. Resolves when that is so. @throws DrainError when its thread has ended */
  lead(ready: readonly ReadyBackend[]): Promise<void> {
    this.#thread.postMessage({ ready } satisfies BalancerOrder)
    return this.#untilTold()
  }

  /** Cuts what is connected. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
  }

  #untilTold(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    const told = Promise.withResolvers<void>()
    this.#waiting.push(told)
    return told.promise
  }

  #hear(report: BalancerReport): void {
    switch (report.kind) {
      case 'refused':
        return this.#refused(report.id, report.protocol)
      case 'unled':
        this.#unledCount += 1
        return
      case 'listening':
        this.#addresses = report.addresses
        return this.#waiting.shift()?.resolve()
      case 'led':
        return this.#waiting.shift()?.resolve()
    }
  }

  /** An error comes before the exit that it causes. */
  #fail(reason: string): void {
    this.#failure ??= new DrainError(`the balancer of this command has ended, so nothing can be said: ${reason}`)
    for (const told of this.#waiting.splice(0)) told.reject(this.#failure)
  }
}
