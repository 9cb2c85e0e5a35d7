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
  readonly incomingEncoding: string
  readonly decoder: { readonly readState: number; write(data: Buffer): Buffer[] }
  handleEndEvent(): void
}

/** `NO_DATA`: between two messages. */
const isBetween = 0

function isFramedInput(call: ServerInterceptingCallInterface): call is FramedInput {
  return 'decoder' in call && 'handleEndEvent' in call && 'incomingEncoding' in call
}

function watch(call: FramedInput): void {
  const { decoder } = call
  const write = decoder.write.bind(decoder)
  const end = call.handleEndEvent.bind(call)
  decoder.write = (data) => {
    const messages = write(data)
    if (messages.every(([flag]) => flag === 0 || (flag === 1 && call.incomingEncoding !== 'identity'))) return messages
    refuse(call, 'a message has a wrong flag of compression')
    return []
  }
  call.handleEndEvent = () => {
    if (decoder.readState === isBetween) end()
    else refuse(call, 'the input ends within a message')
  }
}

function refuse(call: FramedInput, details: string): void {
  call.sendStatus({ code: status.INTERNAL, details, metadata: null })
}
