import { describe, expect, it } from 'vitest'
import { toHandlerDefinition } from '../handler-class.ts'
import { every } from './every.ts'
import { Runs } from './runs.ts'

const schedulesOf = (handler: new () => object) =>
  toHandlerDefinition(handler).schedules.map(({ name, timing, member }) => [name, timing.text, member])

describe('@Runs', () => {
  it('notes what a class runs, also several times', () => {
    class Tidier {
      @Runs('tidy', every('5 m'))
      @Runs('tidy-all', every('1 d'))
      tidy() {}
    }
    expect(schedulesOf(Tidier)).toEqual([
      ['tidy-all', 'every 1 d', 'tidy'],
      ['tidy', 'every 5 m', 'tidy'],
    ])
  })

  it('is inherited, and what a subclass says of the same method takes its place', () => {
    class Tidier {
      @Runs('tidy', every('5 m')) tidy() {}
      @Runs('sweep', every('1 h')) sweep() {}
    }
    class OftenTidier extends Tidier {
      @Runs('tidy', every('1 m')) override tidy() {}
    }
    expect(schedulesOf(OftenTidier)).toEqual([
      ['tidy', 'every 1 m', 'tidy'],
      ['sweep', 'every 1 h', 'sweep'],
    ])
    expect(schedulesOf(Tidier)[0]).toEqual(['tidy', 'every 5 m', 'tidy'])
  })

  it('names class, member and schedule where no run could reach the member', () => {
    class Tidier {
      @Runs('tidy', every('5 m')) static tidy() {}
    }
    expect(() => toHandlerDefinition(Tidier)).toThrow(
      'class Tidier: tidy is static and cannot serve schedule tidy: make it a public method',
    )
  })
})
