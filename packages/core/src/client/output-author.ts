import { WiringError } from '../error/setup-error.ts'
import type { ClientCall, ClientInterceptor } from './client-method.ts'

/** Knows which outputs are not what the remote gave, and which interceptor gave them instead. */
export class OutputAuthors {
  readonly #around: readonly ClientInterceptor[]
  readonly #authors = new WeakMap<ClientCall, string>()
  readonly #received = new WeakMap<ClientCall, ReceivedItems>()

  constructor(interceptors: readonly ClientInterceptor[]) {
    this.#around = interceptors.map((interceptor, index) =>
      this.#noting(interceptor, `interceptor ${index + 1} (${interceptor.name || 'anonymous'})`),
    )
  }

  /** The interceptors, each watched for what it makes of the answer. */
  get around(): readonly ClientInterceptor[] {
    return this.#around
  }

  /** The items as they come, remembered as the remote's; without interceptors there is nobody else they could be of. */
  noteItems(items: AsyncIterable<unknown>, call: ClientCall): AsyncIterable<unknown> {
    if (this.#around.length === 0) return items
    const received = new ReceivedItems()
    this.#received.set(call, received)
    return received.through(items)
  }

  /** The error for an output that cannot be used, by whose fault it is. */
  errorFor(call: ClientCall, output: unknown, fault: string): Error {
    const author = this.#authors.get(call)
    if (author === undefined || this.#received.get(call)?.has(output)) return new Error(`the remote's output ${fault}`)
    const message = `the output that ${author} gave in the place of the remote's for ${call.operation} ${fault}`
    return new WiringError([{ code: 'wiring.interceptor', message }])
  }

  #noting(interceptor: ClientInterceptor, name: string): ClientInterceptor {
    return async (call, next) => {
      let received: { readonly value: unknown } | undefined
      const output = await interceptor(call, () => {
        const answer = next()
        // Asked for first, so known before the interceptor goes on.
        answer.then((value) => (received = { value }), ignore)
        return answer
      })
      if (received === undefined || !Object.is(received.value, output)) this.#authors.set(call, name)
      return output
    }
  }
}

/** Items that the remote gave: every object, and the last of what has no identity. */
class ReceivedItems {
  readonly #objects = new WeakSet()
  #last: unknown

  has(item: unknown): boolean {
    return isObject(item) ? this.#objects.has(item) : Object.is(item, this.#last)
  }

  async *through(items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    for await (const item of items) {
      if (isObject(item)) this.#objects.add(item)
      else this.#last = item
      yield item
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function ignore(): void {}
