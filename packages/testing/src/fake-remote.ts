import { buildClient, type ClientChannel, clientOf, type OutgoingCall } from '@tenon/core/client'
import {
  type AnyContract,
  contractInfo,
  type Input,
  type IsStreaming,
  type Operation,
  type Output,
} from '@tenon/core/contract'
import { type Provider, provide, ServiceError, toServiceError } from '@tenon/core/transport'
import { SchemaReader } from './schema-reader.ts'

/** Answers an operation in the place of another service: gives the output, or throws the `ServiceError` that it fails with. */
export type RemoteMethod<Op extends Operation> = (
  input: Input<Op>,
  call: OutgoingCall,
) => IsStreaming<Op> extends true ? AsyncIterable<Output<Op>> : Output<Op> | Promise<Output<Op>>

/** The operations of a contract that a test answers. */
export type RemoteMethods<Of extends AnyContract> = {
  readonly [Name in keyof Of as Of[Name] extends Operation ? Name : never]?: Of[Name] extends Operation
    ? RemoteMethod<Of[Name]>
    : never
}

/**
 * Stands in for another service: `overrides: [fakeRemote(users, { getUser: async ({ userId }) => … })]`. Its client is a real
 * one, so inputs and outputs are checked, deadlines end calls, and an error is one of the remote. What has no method is
 * `unimplemented`.
 */
export function fakeRemote<Of extends AnyContract>(contract: Of, methods: RemoteMethods<Of>): Provider {
  const channel = new FakeChannel(contractInfo(contract).name, methods)
  return provide(clientOf(contract), { create: () => buildClient(contract, channel) })
}

type AnyMethod = (input: unknown, call: OutgoingCall) => unknown

class FakeChannel implements ClientChannel {
  readonly #name: string
  readonly #methods: object
  readonly #inputs = new SchemaReader('input')

  constructor(name: string, methods: object) {
    this.#name = name
    this.#methods = methods
  }

  async unary(operation: Operation, input: unknown, call: OutgoingCall): Promise<unknown> {
    using bound = boundOf(call)
    return copyOf(await bound.orEnd(this.#invoke(operation, () => this.#inputs.read(operation, input), call)))
  }

  serverStream(operation: Operation, input: unknown, call: OutgoingCall): AsyncIterable<unknown> {
    return itemsWithin(call, () => this.#invoke(operation, () => this.#inputs.read(operation, input), call))
  }

  async clientStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): Promise<unknown> {
    using bound = boundOf(call)
    return copyOf(await bound.orEnd(this.#invoke(operation, () => this.#inputs.readEach(operation, inputs), call)))
  }

  bidiStream(operation: Operation, inputs: AsyncIterable<unknown>, call: OutgoingCall): AsyncIterable<unknown> {
    return itemsWithin(call, () => this.#invoke(operation, () => this.#inputs.readEach(operation, inputs), call))
  }

  async close(): Promise<void> {}

  async #invoke({ name }: Operation, read: () => unknown, call: OutgoingCall): Promise<unknown> {
    const method: unknown = Reflect.get(this.#methods, name)
    if (typeof method !== 'function')
      throw new ServiceError('unimplemented', `the fake of ${this.#name} has no ${name}`)
    return (method as AnyMethod).call(this.#methods, await read(), call)
  }
}

/** The end of a call that does not wait for its answer. */
interface Bound extends Disposable {
  /** @throws ServiceError what the work failed with, or why the call ended before */
  orEnd<T>(work: Promise<T>): Promise<T>
}

function boundOf({ timeoutMs, signal }: OutgoingCall): Bound {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  ended.catch(() => undefined)
  const cancel = () => reject(new ServiceError('cancelled', 'the caller is gone'))
  const expire = () => reject(new ServiceError('deadline_exceeded', 'the remote did not answer in time'))
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs)
  if (signal?.aborted) cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  return {
    orEnd: async (work) => {
      try {
        return await Promise.race([ended, work])
      } catch (thrown) {
        throw toServiceError(thrown)
      }
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
    },
  }
}

async function* itemsWithin(call: OutgoingCall, start: () => Promise<unknown>): AsyncGenerator<unknown> {
  using bound = boundOf(call)
  const items = ((await bound.orEnd(start())) as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await bound.orEnd(items.next())
      if (step.done) return
      yield copyOf(step.value)
    }
  } finally {
    // Not awaited: an iterator that waits for ever would hold the caller, who has left.
    void Promise.resolve(items.return?.()).catch(() => undefined)
  }
}

/** Neither side sees what the other does to a value. */
function copyOf(value: unknown): unknown {
  return structuredClone(value)
}
