import { setImmediate } from 'node:timers/promises'

/**
 * Resolves when what this process had received is read: the event loop has polled once more. Closing a connection with bytes unread
 * resets it, and the request that they are is lost.
 *
 * @see RFC 9112 section 9.6; Node, "The Node.js event loop": poll comes right before check, where immediates run
 */
export async function untilRead(): Promise<void> {
  // The first may be of a turn whose poll is over.
  await setImmediate()
  await setImmediate()
}
