import {
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js'

/**
 * Ends a call as INTERNAL whose input ends within a message, or has a message whose flag of compression is wrong. grpc-js takes
 * the first for complete, so that a handler would sum up a part as if it were the whole, and the second for a plain message.
 *
 * @see gRPC over HTTP/2, Compressed-Flag; gRPC compression, a flag without an encoding is INTERNAL
 */
export const refuseBrokenFrames: ServerInterceptor = (_method, call) => {
  if (isFramedInput(call)) watch(call)
  // The same call: one that stands between would be paid for with every message. Only its type is too narrow.
  return call as ServerInterceptingCall
}

/** What grpc-js knows of a call's input, which its types do not tell. @see grpc-js 1.14, server-interceptors.ts, stream-decoder.ts */
interface FramedInput extends ServerInterceptingCallInterface {
  readonly cancelled: boolean
  readonly incomingEncoding: string
  readonly decoder: Decoder
  handleEndEvent(): void
}

interface Decoder {
  readonly readState: number
  write(data: Buffer): Buffer[]
  /** Set here: whose input it reads. */
  call?: FramedInput
}

/** `NO_DATA`: between two messages. */
const isBetween = 0

function isFramedInput(call: ServerInterceptingCallInterface): call is FramedInput {
  return 'decoder' in call && 'handleEndEvent' in call && 'incomingEncoding' in call && 'cancelled' in call
}

/** The same two functions for all calls: closures would be paid for with each. */
function watch(call: FramedInput): void {
  const { decoder } = call
  original ??= { write: decoder.write, end: call.handleEndEvent }
  decoder.call = call
  decoder.write = writeChecked
  call.handleEndEvent = endChecked
}

/** What grpc-js itself does, found at the first call. */
let original: { readonly write: Decoder['write']; readonly end: FramedInput['handleEndEvent'] } | undefined

function writeChecked(this: Decoder, data: Buffer): Buffer[] {
  const messages = original?.write.call(this, data) ?? []
  for (const [flag] of messages) {
    if (flag === 0 || (flag === 1 && this.call?.incomingEncoding !== 'identity')) continue
    if (this.call) refuse(this.call, 'a message has a wrong flag of compression')
    return []
  }
  return messages
}

function endChecked(this: FramedInput): void {
  // Answered already, as when its time was over: grpc-js would hand it to a handler all the same.
  if (this.cancelled) return
  if (this.decoder.readState === isBetween) original?.end.call(this)
  else refuse(this, 'the input ends within a message')
}

function refuse(call: FramedInput, details: string): void {
  call.sendStatus({ code: status.INTERNAL, details, metadata: null })
}
