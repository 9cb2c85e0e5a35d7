import type { Principal } from '../call.ts'

/** Of messages that were judged one by one and wait for their batch, in whose call nobody is asked any more. */
const senders = new WeakMap<object, Principal>()

/** Keeps who sent a message, for as long as somebody has its arrival. */
export function noteSender(arrival: object, sender: Principal | undefined): Principal | undefined {
  if (sender) senders.set(arrival, sender)
  return sender
}

export function senderOf(arrival: object): Principal | undefined {
  return senders.get(arrival)
}
