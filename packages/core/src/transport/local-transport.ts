import type { Transport } from './transport.ts'

/**
 * Says that a service may be called by services of its own process alone: every operation counts as carried, also those that no other
 * transport carries. It listens nowhere. Who has `remote(contract, { at: 'local' })` calls a service with or without it.
 */
export function localTransport(): Transport {
  return local
}

/** What is called in the process knows at once that the service drains, and its calls are those of the dispatcher. */
const local: Transport = Object.freeze({
  name: 'local',
  carries: () => true,
  hasCallers: false,
  bind: () => ({
    listen: async () => [],
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => undefined,
  }),
})
