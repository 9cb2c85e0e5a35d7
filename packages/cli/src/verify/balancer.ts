import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { BalancerOrder, BalancerReport, ReadyBackend } from './balancer-message.ts'

/** A balancer before all instances of a service, in a thread of its own. */
export class Balancer implements AsyncDisposable {
  readonly #thread: Worker
  readonly #addresses: Readonly<Record<string, string>>
  readonly #obeyed: (() => void)[] = []
  #unledCount = 0

  private constructor(thread: Worker, addresses: Readonly<Record<string, string>>) {
    this.#thread = thread
    this.#addresses = addresses
  }

  /** @param refused Is told of each connection that an instance did not take though it had said that it is ready. */
  static async start(
    file: string,
    protocols: readonly string[],
    refused: (id: number, protocol: string) => void,
  ): Promise<Balancer> {
    const thread = new Worker(file, { workerData: { protocols } })
    const [first] = (await once(thread, 'message')) as [BalancerReport]
    const balancer = new Balancer(thread, first.kind === 'listening' ? first.addresses : {})
    thread.on('message', (report: BalancerReport) => {
      if (report.kind === 'refused') refused(report.id, report.protocol)
      if (report.kind === 'unled') balancer.#unledCount += 1
      if (report.kind === 'led') balancer.#obeyed.shift()?.()
    })
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

  /** Says who takes connections from now on. Resolves when that is so. */
  lead(ready: readonly ReadyBackend[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#obeyed.push(resolve)
    this.#thread.postMessage({ ready } satisfies BalancerOrder)
    return promise
  }

  /** Cuts what is connected. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate()
  }
}
