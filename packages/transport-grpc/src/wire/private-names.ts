/**
 * All that is used here of grpc-js without being in its documentation. A release that moves one of these is noticed at the start, or by
 * the first call.
 *
 * @see @grpc/grpc-js 1.14, server.ts, server-interceptors.ts, stream-decoder.ts, channel-credentials.ts
 */
export const privateNames = Object.freeze({
  /** Of a server: what it hears sessions and requests from. */
  server: ['http2Servers'],
  /** Of a call that came in: its stream, what reads its messages, and how it ends. */
  serverCall: ['stream', 'decoder', 'handleEndEvent', 'incomingEncoding', 'cancelled'],
  /** Of what reads messages. */
  decoder: ['readState', 'write'],
  /** Of a client's credentials. These are in its types, so that a release without them does not compile. */
  channelCredentials: ['_isSecure', '_equals', '_createSecureConnector'],
} as const)

/** Those that a thing lacks. */
export function lackedNames(found: unknown, names: readonly string[]): readonly string[] {
  if (typeof found !== 'object' || found === null) return names
  return names.filter((name) => !(name in found))
}
