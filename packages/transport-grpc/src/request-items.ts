import type { ServerReadableStream } from '@grpc/grpc-js'
import { ServiceError } from '@tenon/core/transport'

/** A call whose caller sends any number of messages. */
export type ReadableCall = Pick<
  ServerReadableStream<Buffer, Buffer>,
  'cancelled' | 'read' | 'readableEnded' | 'on' | 'off'
>

/**
 * The caller's messages, each decoded when it is asked for. While nobody asks, grpc-js takes a few more off the wire, then holds
 * the caller back. Leaving the loop early leaves the call open, so that it can still be answered.
 *
 * @throws ServiceError `cancelled` when the caller left before its last message; what `decode` throws.
 */
export async function* requestItems(call: ReadableCall, decode: (bytes: Buffer) => unknown): AsyncGenerator<unknown> {
  let wake: () => void = () => undefined
  const woken = () => wake()
  call.on('readable', woken).on('end', woken).on('cancelled', woken)
  try {
    while (!call.cancelled) {
      const bytes = call.read() as Buffer | null
      if (bytes !== null) yield decode(bytes)
      else if (call.readableEnded) return
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    throw new ServiceError('cancelled', 'the caller is gone')
  } finally {
    call.off('readable', woken).off('end', woken).off('cancelled', woken)
  }
}
