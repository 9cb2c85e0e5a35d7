import { expect, it } from 'vitest'
import type { TransportHealth, TransportServer } from '../../transport/transport.ts'
import { probeView } from './probe-view.ts'
import { Probes } from './probes.ts'

const http = serverOf()
const joining = serverOf({ isLive: true, isReady: false, reason: 'has no partitions yet' })
const hindered = serverOf({ isLive: true, isReady: true, reason: 'partition 0 waits' })
const stalled = serverOf({ isLive: false, isReady: true, reason: 'stands still' })

it.each([
  {
    what: 'one that decides alone',
    servers: { queue: joining },
    livez: ['[+]queue ok (affects liveness): has no partitions yet', 'livez passed'],
    readyz: ['[-]queue failed (affects readiness): has no partitions yet', 'readyz failed'],
    startupz: ['[-]queue failed (affects readiness): has no partitions yet', 'startupz passed'],
  },
  {
    what: 'one beside another that takes work',
    servers: { http, queue: joining },
    livez: ['[+]queue ok (affects liveness): has no partitions yet', 'livez passed'],
    readyz: ['[-]queue failed (affects nothing): has no partitions yet', 'readyz passed'],
    startupz: ['[-]queue failed (affects nothing): has no partitions yet', 'startupz passed'],
  },
  {
    what: 'one of which no new process would mend anything',
    servers: { queue: hindered },
    livez: ['[+]queue ok (affects liveness): partition 0 waits', 'livez passed'],
    readyz: ['[+]queue ok (affects readiness): partition 0 waits', 'readyz passed'],
    startupz: ['[+]queue ok (affects readiness): partition 0 waits', 'startupz passed'],
  },
  {
    what: 'one that stands still',
    servers: { http, queue: stalled },
    livez: ['[-]queue failed (affects liveness): stands still', 'livez failed'],
    readyz: ['[+]queue ok (affects nothing): stands still', 'readyz passed'],
    startupz: ['[+]queue ok (affects nothing): stands still', 'startupz passed'],
  },
])('a transport is one line of each probe, with what it affects there: $what', ({ servers, ...expected }) => {
  const readiness = { isAllowed: true, isOpen: true }
  const transportNames = Object.keys(servers)
  const parts = {
    health: undefined,
    background: undefined,
    servers: Object.values<TransportServer>(servers),
    transportNames,
  }
  const probes = new Probes(probeView(readiness, parts), { token: undefined })
  for (const name of ['livez', 'readyz', 'startupz'] as const) {
    const request = { method: 'GET', query: 'verbose', headers: { accept: 'text/plain', authorization: undefined } }
    const { body } = probes.answer(name, request, 'operators')
    expect(body.trimEnd().split('\n')).toEqual(expected[name])
  }
})

/** A server; without a health it does not tell. */
function serverOf(health?: TransportHealth): TransportServer {
  return {
    listen: async () => [],
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => undefined,
    ...(health && { health: () => health }),
  }
}
