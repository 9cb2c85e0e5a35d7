import { expect, it } from 'vitest'
import { WaitingCalls } from './waiting-calls.ts'

/** `0a` is a call of rank 0 by tenant a. */
const call = (name: string) => ({ name, rank: Number(name[0]), tenant: name.slice(1, 2) })

function waitingFor(...names: string[]) {
  const waiting = new WaitingCalls<ReturnType<typeof call>>()
  const added = names.map(call)
  for (const one of added) waiting.add(one)
  return { waiting, added }
}

function drained({ waiting }: ReturnType<typeof waitingFor>): string[] {
  const names: string[] = []
  for (let next = waiting.next(); next; next = waiting.next()) names.push(next.name)
  return names
}

it('gives the most critical first, of each tenant in turn, and of one tenant who came first', () => {
  const queue = waitingFor('2a', '1a1', '1a2', '1a3', '1b1', '0c', '1c1', '1b2')
  expect(drained(queue)).toEqual(['0c', '1a1', '1b1', '1c1', '1a2', '1b2', '1a3', '2a'])
  expect(queue.waiting.count).toBe(0)
})

it.each([
  {
    waits: ['0a', '2a', '3a', '3b', '3b2'],
    comes: '1a',
    leaves: '3b2',
    because: 'it is the least critical, of the tenant with most, and came last',
  },
  { waits: ['1a', '2a'], comes: '3a', leaves: undefined, because: 'all are more critical' },
  { waits: ['1a', '1a2'], comes: '1a3', leaves: undefined, because: 'it is of the same tenant' },
  { waits: ['1a', '1a2', '1b'], comes: '1b2', leaves: undefined, because: 'then its own tenant would have more' },
  { waits: ['1a', '1a2', '1a3', '1b'], comes: '1b2', leaves: '1a3', because: 'its tenant has fewer' },
  { waits: [], comes: '1a', leaves: undefined, because: 'nobody waits' },
])('when $comes comes to $waits leaves $leaves: $because', ({ waits, comes, leaves }) => {
  const { waiting } = waitingFor(...waits)
  expect([waiting.givesWayTo(call(comes)), waiting.count]).toEqual([leaves !== undefined, waits.length])
  expect(waiting.giveWayTo(call(comes))?.name).toBe(leaves)
  expect(waiting.count).toBe(waits.length - (leaves === undefined ? 0 : 1))
})

it.each([
  { waits: ['1a'], soon: ['3a'], comes: '2a', gives: true, because: 'who comes soon is less critical' },
  { waits: [], soon: ['1a', '1a'], comes: '2a', gives: false, because: 'who comes soon is more critical' },
  { waits: ['1a'], soon: ['1a'], comes: '1b', gives: true, because: 'with who comes soon another tenant has more' },
  { waits: ['1a', '1a2'], soon: ['1b'], comes: '1b', gives: false, because: 'with who comes soon its own has as many' },
  { waits: ['1a'], soon: ['1b', '1b'], comes: '1b', gives: false, because: 'its own tenant has most soon' },
])('when the head of $comes comes to $waits and $soon, anybody gives way: $gives, for $because', (given) => {
  const { waiting } = waitingFor(...given.waits)
  for (const name of given.soon) waiting.expect(call(name))
  expect(waiting.givesWayTo(call(given.comes))).toBe(given.gives)
  expect([waiting.count, waiting.countSoon]).toEqual([given.waits.length, given.waits.length + given.soon.length])
  for (const name of [...given.soon, '0z']) waiting.unexpect(call(name))
  expect(waiting.countSoon).toBe(given.waits.length)
  for (const name of given.soon) waiting.expect(call(name))
  waiting.expectNone()
  expect([waiting.countSoon, waiting.givesWayTo(call('1z'))]).toEqual([waiting.count, given.waits.length > 1])
})

it('forgets who waits no more, once', () => {
  const queue = waitingFor('1a', '1b', '2a')
  const [, second] = queue.added
  if (second === undefined) throw new Error('nothing was added')
  queue.waiting.delete(second)
  queue.waiting.delete(second)
  expect([queue.waiting.count, [...queue.waiting].map(({ name }) => name)]).toEqual([2, ['1a', '2a']])
  expect(drained(queue)).toEqual(['1a', '2a'])
})
