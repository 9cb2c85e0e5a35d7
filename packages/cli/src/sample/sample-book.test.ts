import { contract, event, int64, stream } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { describe, expect, it } from 'vitest'
import { SampleBook } from './sample-book.ts'

const Thing = Type.Object({ name: Type.String({ minLength: 3 }), count: int64() })
const things = contract('test.v1.Things', {
  make: {
    input: Thing,
    output: Thing,
    errors: ['already_exists', 'unavailable'],
    examples: [{ input: { name: 'first', count: 1n } }, { input: { name: 'second', count: 2n } }],
  },
  find: { input: Type.Object({ name: Type.String() }), output: Thing, errors: ['not_found'] },
  load: { input: stream(Thing), output: Thing },
})
const made = event('test.made.v1', { key: 'name', payload: Type.Object({ name: Type.String() }) })

describe('SampleBook', () => {
  it('takes the examples of a contract in turn, as a handler has them', () => {
    const source = new SampleBook({}).ofOperation(things.make)
    const inputs = [source?.next(), source?.next(), source?.next()]
    expect(inputs).toEqual([
      { name: 'first', count: 1n },
      { name: 'second', count: 2n },
      { name: 'first', count: 1n },
    ])
  })

  it('takes declared codes for answers, but none that a failed rollout looks like', () => {
    const book = new SampleBook({ [things.find.id]: { expects: ['unavailable'] } })
    expect([...(book.ofOperation(things.make)?.expects ?? [])]).toEqual(['already_exists'])
    expect([...(book.ofOperation(things.find)?.expects ?? [])]).toEqual(['unavailable'])
  })

  it("asks the user's function each time, and gives it the latest outputs of others", () => {
    const book = new SampleBook({
      [things.find.id]: ({ index, latest }) => ({ name: `${String(latest(things.make.id))}${index}` }),
    })
    const source = book.ofOperation(things.find)
    book.note(things.make.id, 'ada')
    expect([source?.next(), source?.next()]).toEqual([{ name: 'ada0' }, { name: 'ada1' }])
  })

  it('gives several items where the input is a stream', () => {
    expect(new SampleBook({}).ofOperation(things.load)?.next()).toHaveLength(3)
  })

  it('leaves out what is false, and knows which names stand for nothing', () => {
    const book = new SampleBook({ [made.topic]: false, 'test.v1.Things/mkae': () => ({}) })
    expect(book.ofEvent(made)).toBeUndefined()
    expect(book.strays(new Set([made.topic]))).toEqual(['test.v1.Things/mkae'])
  })

  it('refuses an input that does not fit, by the name of its field', () => {
    const source = new SampleBook({ [things.make.id]: () => ({ name: 'a', count: 1n }) }).ofOperation(things.make)
    expect(() => source?.next()).toThrow('/name')
  })
})
