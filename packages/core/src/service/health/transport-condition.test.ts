import { describe, expect, it } from 'vitest'
import type { TransportHealth, TransportServer } from '../../transport/transport.ts'
import { toConditions } from './condition.ts'
import { canTakeWork, conditionsOf, doAllTell } from './transport-condition.ts'

const well = serverOf(() => ({ isLive: true, isReady: true }))
const stalled = serverOf(() => ({ isLive: false, isReady: true, reason: 'stands still' }))
const joining = serverOf(() => ({ isLive: true, isReady: false, reason: 'has no partitions yet' }))
const silent = serverOf()
const failing = serverOf(() => {
  throw new Error('not now')
})

describe('the health of transports', () => {
  it('keeps a service ready as long as one of them takes work without telling', () => {
    expect(canTakeWork([])).toBe(true)
    expect(canTakeWork([silent])).toBe(true)
    expect(canTakeWork([joining, silent])).toBe(true)
  })

  it('makes a service ready when all of them are, where all tell', () => {
    expect(canTakeWork([joining])).toBe(false)
    expect(canTakeWork([well, stalled])).toBe(true)
    expect(canTakeWork([well, failing])).toBe(false)
    for (const other of [well, stalled, joining, failing]) expect(canTakeWork([joining, other])).toBe(false)
  })

  it('decides on readiness only where all tell', () => {
    expect(doAllTell([well, stalled, failing])).toBe(true)
    expect(doAllTell([well, silent])).toBe(false)
  })

  it('is listed by name for those that tell, one that fails to among them', () => {
    expect(conditionsOf([silent, stalled, failing], ['http', 'queue', 'other'])).toEqual([
      { name: 'queue', isLive: false, isReady: true, reason: 'stands still' },
      { name: 'other', isLive: true, isReady: false, reason: 'cannot say how it is: not now' },
    ])
  })

  it('is told with its reason where it does not pass, by one that fails to tell too', () => {
    const sources = { results: [], tasks: [], transports: conditionsOf([failing], ['queue']), doTransportsDecide: true }
    const message = 'cannot say how it is: not now'
    expect(toConditions('livez', sources)).toEqual([{ name: 'queue', affects: 'liveness', isPassing: true, message }])
    expect(toConditions('readyz', sources)).toEqual([
      { name: 'queue', affects: 'readiness', isPassing: false, message },
    ])
  })
})

function serverOf(health?: () => TransportHealth): TransportServer {
  return {
    listen: async () => [],
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => undefined,
    ...(health && { health }),
  }
}
