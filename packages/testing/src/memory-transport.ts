import type { InputToSend, Operation } from '@tenon/core/contract'
import {
  type Metadata,
  type OperationEndpoint,
  type Outcome,
  ServiceError,
  type Transport,
} from '@tenon/core/transport'

export interface MemoryCallOptions {
  /** Lower-case keys. */
  readonly metadata?: Metadata
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** A transport without a wire: calls go through the whole pipeline inside the process. */
export interface MemoryTransport extends Transport {
  /**
   * Calls an operation of the service this transport was given to.
   *
   * @throws ServiceError `unimplemented` when the service does not offer the operation.
   */
  call<Op extends Operation>(operation: Op, input: InputToSend<Op>, options?: MemoryCallOptions): Promise<Outcome>
}

/** A transport for tests: put it in a service's `transports` and use `call()`. Carries every operation and no event. */
export function memoryTransport(): MemoryTransport {
  const endpoints = new Map<string, OperationEndpoint>()
  return {
    name: 'memory',
    carries: () => true,
    bind: ({ operations }) => {
      for (const endpoint of operations) endpoints.set(endpoint.operation.id, endpoint)
      return {
        listen: async () => [],
        withdraw: () => undefined,
        drain: async () => undefined,
        close: async () => endpoints.clear(),
      }
    },
    call: async (operation, input, options = {}) => {
      const endpoint = endpoints.get(operation.id)
      if (endpoint === undefined) throw new ServiceError('unimplemented', `the service does not offer ${operation.id}`)
      const { metadata = {}, timeoutMs, signal } = options
      // A copy, as a wire would make one: the pipeline owns what it decodes.
      return endpoint.dispatch({
        transport: 'memory',
        metadata,
        timeoutMs,
        signal,
        decode: () => structuredClone(input),
      })
    },
  }
}
