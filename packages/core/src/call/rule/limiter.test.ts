import { expect, it } from 'vitest'
import { Limiter, type Ticket } from './limiter.ts'

const limiter = (maxRunning: number, maxWaiting: number) => new Limiter({ maxRunning, maxWaiting })

/** The order in which waiting tickets get their place. */
function noteGrants(tickets: Readonly<Record<string, Ticket>>): string[] {
  const granted: string[] = []
  for (const [name, ticket] of Object.entries(tickets)) {
    void ticket.granted?.then(() => granted.push(`${name} ${ticket.isGranted ? 'in' : 'gone'}`))
  }
  return granted
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

it('lets in at once while there is a place', () => {
  const two = limiter(2, 0)
  expect([two.enter(false), two.enter(false)].map(({ granted, isGranted }) => ({ granted, isGranted }))).toEqual([
    { granted: undefined, isGranted: true },
    { granted: undefined, isGranted: true },
  ])
})

it('refuses when too many wait, with a word on when to come back', () => {
  const one = limiter(1, 1)
  one.enter(false)
  one.enter(false)
  expect(() => one.enter(false)).toThrow(
    expect.objectContaining({ code: 'resource_exhausted', reason: 'overloaded', details: { retryDelayMs: 1000 } }),
  )
})

it('gives a place to whoever has waited longest', async () => {
  const one = limiter(1, 2)
  const running = one.enter(false)
  const [first, second] = [one.enter(false), one.enter(false)]
  const granted = noteGrants({ first, second })
  running.release()
  await settled()
  expect(granted).toEqual(['first in'])
  first.release()
  await settled()
  expect(granted).toEqual(['first in', 'second in'])
})

it('passes over who has given up, and lets the next wait in its place', async () => {
  const one = limiter(1, 2)
  const running = one.enter(false)
  const [first, second] = [one.enter(false), one.enter(false)]
  const granted = noteGrants({ first, second })
  first.release()
  const third = one.enter(false)
  running.release()
  await settled()
  expect(granted).toEqual(['first gone', 'second in'])
  second.release()
  expect(third.isGranted).toBe(true)
})

it('frees a place once, however often it is released', () => {
  const one = limiter(1, 0)
  const ticket = one.enter(false)
  ticket.release()
  ticket.release()
  one.enter(false)
  expect(() => one.enter(false)).toThrow(expect.objectContaining({ code: 'resource_exhausted' }))
})

it('does not let the patient lock the others out, nor the other way round', async () => {
  const one = limiter(1, 1)
  const running = one.enter(false)
  const patient = [one.enter(true), one.enter(true)]
  const [first] = patient
  const other = one.enter(false)
  const granted = noteGrants({ patientA: patient[0] as Ticket, patientB: patient[1] as Ticket, other })
  running.release()
  await settled()
  other.release()
  await settled()
  first?.release()
  await settled()
  expect(granted).toEqual(['other in', 'patientA in', 'patientB in'])
})

it('lets the patient wait however many do', () => {
  const one = limiter(1, 0)
  one.enter(true)
  const waiting = Array.from({ length: 5 }, () => one.enter(true))
  expect(waiting.every(({ isGranted }) => !isGranted)).toBe(true)
})
