import { expect, it } from 'vitest'
import { KnownTopics } from './known-topics.ts'

function topics() {
  const asked: string[] = []
  const seen: string[] = []
  let creating = Promise.withResolvers<void>()
  const known = new KnownTopics((topic) => {
    asked.push(topic)
    return creating.promise
  })
  const turn = (name: string, order = known.nextOrder()) => ({
    order,
    go: () => void seen.push(name),
    fail: (error: unknown) => void seen.push(`${name}: ${String(error)}`),
  })
  const again = () => (creating = Promise.withResolvers<void>())
  return { known, asked, seen, turn, creating: () => creating, again }
}

it('lets what waited go before anything that comes in the turn in which the topic is there', async () => {
  const { known, asked, seen, turn, creating } = topics()
  for (const name of ['a', 'b']) known.enter('t', turn(name))
  const { promise, resolve } = creating()
  const late = promise.then(() => known.enter('t', turn('c')))
  resolve()
  await late
  expect(seen).toEqual(['a', 'b', 'c'])
  known.enter('t', turn('d'))
  expect(seen).toEqual(['a', 'b', 'c', 'd'])
  expect(asked).toEqual(['t'])
})

it('fails all that wait, and asks again for the next', async () => {
  const { known, asked, seen, turn, creating, again } = topics()
  for (const name of ['a', 'b']) known.enter('t', turn(name))
  creating().reject(new Error('no'))
  await expect(creating().promise).rejects.toThrow('no')
  expect(seen).toEqual(['a: Error: no', 'b: Error: no'])
  again()
  known.enter('t', turn('c'))
  creating().resolve()
  await creating().promise
  expect(seen.at(-1)).toBe('c')
  expect(asked).toEqual(['t', 't'])
})

it('passes over what gave up', async () => {
  const { known, seen, turn, creating } = topics()
  const leaving = turn('a')
  known.enter('t', leaving)
  known.enter('t', turn('b'))
  known.forget('t', leaving)
  known.forget('other', leaving)
  creating().resolve()
  await creating().promise
  expect(seen).toEqual(['b'])
})

it('gives whoever comes while it is asked an answer of its own when that fails', async () => {
  const { known, asked, seen, turn, creating, again } = topics()
  known.enter('t', turn('a'))
  await Promise.resolve()
  const first = creating()
  known.enter('t', turn('late'))
  again()
  first.reject(new Error('no time'))
  await nextTurn()
  expect(seen).toEqual(['a: Error: no time'])
  creating().resolve()
  await nextTurn()
  expect(seen).toEqual(['a: Error: no time', 'late'])
  expect(asked).toEqual(['t', 't'])
})

it('asks anew when a topic is there no more, once for all that were told so', async () => {
  const { known, asked, seen, turn, creating } = topics()
  known.enter('t', turn('a'))
  creating().resolve()
  await nextTurn()
  for (const name of ['a again', 'b again']) known.enterAgain('t', turn(name))
  known.enter('t', turn('c'))
  await nextTurn()
  expect(seen).toEqual(['a', 'a again', 'b again', 'c'])
  expect(asked).toEqual(['t', 't'])
})

it('lets those go first that were published first, in whatever order they were told that their topic is gone', async () => {
  const { known, seen, turn, creating } = topics()
  const [first, second] = [turn('1'), turn('2')]
  known.enterAgain('t', second)
  known.enter('t', turn('3'))
  known.enterAgain('t', first)
  creating().resolve()
  await nextTurn()
  expect(seen).toEqual(['1', '2', '3'])
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
