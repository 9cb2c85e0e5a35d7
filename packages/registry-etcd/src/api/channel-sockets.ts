import type { Socket } from 'node:net'
import type { ChannelCredentials } from '@grpc/grpc-js'

type Target = Parameters<ChannelCredentials['_createSecureConnector']>

/**
 * The sockets of a channel, to be destroyed when nobody uses it any more. A channel that is closed waits for its peer to close too; one that
 * is half open, or never spoke, would leave a socket behind for each try.
 *
 * @see @grpc/grpc-js 1.14, transport.js: shutdown() calls Http2Session.close()
 */
export class ChannelSockets {
  readonly #open = new Set<Socket>()
  #areDestroyed = false

  /** Credentials for the channel. Changes those that are given. */
  of(credentials: ChannelCredentials): ChannelCredentials {
    const create = credentials._createSecureConnector.bind(credentials)
    credentials._createSecureConnector = (...target: Target) => {
      const connector = create(...target)
      return {
        waitForReady: () => connector.waitForReady(),
        connect: (socket) => {
          this.#add(socket)
          return connector.connect(socket)
        },
        getCallCredentials: () => connector.getCallCredentials(),
        destroy: () => connector.destroy(),
      }
    }
    return credentials
  }

  /** Those that are there, and those that come. */
  destroy(): void {
    this.#areDestroyed = true
    for (const socket of this.#open) socket.destroy()
  }

  #add(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    if (this.#areDestroyed) socket.destroy()
  }
}
