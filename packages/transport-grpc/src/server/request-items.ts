import { setImmediate, setTimeout } from 'node:timers/promises'
import type { ServerReadableStream } from '@grpc/grpc-js'
import { ServiceError } from '@tenon/core/transport'
import { provesInputEnd } from '../wire/input-end.ts'

/** A call whose caller sends any number of messages. */
export type ReadableCall = Pick<
  ServerReadableStream<Buffer, Buffer>,
  'cancelled' | 'metadata' | 'read' | 'readableEnded' | 'on' | 'off'
>

/**
 * The caller's messages, each decoded when it is asked for. While nobody asks, grpc-js takes a few more off the wire, then holds
 * the caller back. Leaving the loop early leaves the call open, so that it can still be answered.
 *
 * @throws ServiceError `cancelled` when the caller left before its last message, or its time was over; what `decode` throws.
 */
export async function* requestItems(call: ReadableCall, decode: (bytes: Buffer) => unknown): AsyncGenerator<unknown> {
  let wake: () => void = () => undefined
  const woken = () => wake()
  call.on('readable', woken).on('end', woken).on('cancelled', woken)
  try {
    while (!call.cancelled) {
      const bytes = call.read() as Buffer | null
      if (bytes !== null) yield decode(bytes)
      else if (call.readableEnded) {
        if (await isHalfClosed(call)) return
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    // Also when the deadline has passed, which the dispatcher tells from this.
    throw new ServiceError('cancelled', 'the caller is gone')
  } finally {
    call.off('readable', woken).off('end', woken).off('cancelled', woken)
  }
}

/**
 * Whether the caller has said all it wanted. A stream that is reset ends as one does that is half-closed, and only some ticks
 * later grpc-js says that it was cancelled; and callers on Node really half-close what they cancel, a moment before they reset
 * it. An input that was cut off must not be taken for one that is complete, so its end is told when the moment is over. Our own
 * client half-closes only what is complete, and says so.
 *
 * @see Node.js, lib/internal/http2/core.js, closeStream(): it ends the writable side before it sends RST_STREAM
 */
async function isHalfClosed(call: ReadableCall): Promise<boolean> {
  const [userAgent = ''] = call.metadata.get('user-agent')
  if (userAgent.includes('grpc-node-js') && !provesInputEnd(call.metadata)) await setTimeout(resetDelayMs)
  // What came in while this process was busy is read before immediates run.
  await setImmediate()
  return !call.cancelled
}

/** How much later than the end of a stream its reset may come. A guess: about 1 ms were measured on one machine. */
const resetDelayMs = 10
