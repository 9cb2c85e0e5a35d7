import { ServiceError } from '@tenon/core/transport'
import type { ServerCall } from './grpc-call.ts'
import type { OpenCalls } from './open-calls.ts'

/** A call that is answered with any number of messages. */
export interface WritableCall extends Pick<ServerCall, 'cancelled'> {
  write(message: Buffer): boolean
  once(event: 'drain' | 'cancelled', listener: () => void): unknown
  off(event: 'drain' | 'cancelled', listener: () => void): unknown
}

export interface ItemSurroundings {
  readonly encode: (item: unknown) => Buffer
  readonly calls: OpenCalls
  /** Called when the handler has begun, and its first item may not be there yet. */
  readonly begun: () => void
}

/**
 * Writes the items no faster than the caller reads. A caller that leaves ends the items, also while they wait.
 *
 * @throws ServiceError `unavailable` when the server waits no longer for a caller; what the items and `encode` throw.
 */
export async function writeItems(
  call: WritableCall,
  items: AsyncIterable<unknown>,
  { encode, calls, begun }: ItemSurroundings,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  const release = () => void Promise.resolve(iterator.return?.()).catch(() => undefined)
  // The same event follows a deadline, which the dispatcher tells from a caller that leaves.
  call.once('cancelled', release)
  try {
    if (call.cancelled) return release()
    const first = iterator.next()
    first.catch(ignore)
    begun()
    for (let step = await first; !call.cancelled; step = await iterator.next()) {
      if (step.done === true) return
      if (!call.write(encode(step.value))) await writable(call, calls)
    }
    release()
  } catch (thrown) {
    release()
    throw thrown
  } finally {
    call.off('cancelled', release)
  }
}

/** Resolves when the caller has read on, or is gone. */
async function writable(call: WritableCall, calls: OpenCalls): Promise<void> {
  if (call.cancelled) return
  if (!calls.isCut) {
    const { promise, resolve } = Promise.withResolvers<void>()
    call.once('drain', resolve)
    call.once('cancelled', resolve)
    calls.onCut(resolve)
    await promise
    call.off('drain', resolve)
    call.off('cancelled', resolve)
    calls.offCut(resolve)
  }
  if (calls.isCut) throw new ServiceError('unavailable', 'the service is shutting down')
}

function ignore(): void {}
