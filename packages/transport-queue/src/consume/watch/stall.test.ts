import { describe, expect, it } from 'vitest'
import type { MessageStage } from './consumer-report.ts'
import { PartitionMotion } from './partition-motion.ts'
import { isHeldUp, type StandstillFacts } from './stall.ts'
import type { HandlerRun, WatchedLoop } from './watched-loop.ts'

const now = 1_000_000
const stallAfterMs = 40_000
const fresh: HandlerRun = { offset: 1, beganAt: now - stallAfterMs + 1 }
const wedged: HandlerRun = { offset: 1, beganAt: now - stallAfterMs }
const retried: MessageStage = { stage: 'retried', attemptCount: 1, code: 'unavailable', untilAt: now + 1 }
const held: MessageStage = { stage: 'held', untilAt: now + 1 }
const halted: MessageStage = { stage: 'halted', attemptCount: 5, code: 'internal', sinceAt: now }
const buried: MessageStage = { stage: 'buried', sinceAt: now }

describe('isHeldUp', () => {
  it.each<
    [why: string, expected: boolean, runs: readonly HandlerRun[], stages: readonly (readonly [number, MessageStage])[]]
  >([
    ['nothing is done about its messages', true, [], []],
    ['a handler has time left, or some to clean up', false, [fresh], []],
    ['a handler goes on though its time is over', true, [wedged], []],
    ['another handler has time left', false, [wedged, { ...fresh, offset: 2 }], []],
    ['its message is tried again beside a handler that goes on', true, [wedged, fresh], []],
    ['a message is handled again later', false, [], [[1, retried]]],
    ['another message is handled again later', false, [wedged], [[2, retried]]],
    ['the message of a handler that goes on is handled again later', true, [wedged], [[1, retried]]],
    ['a message is held back', false, [], [[1, held]]],
    ['a message is held back beside a handler that goes on', true, [wedged], [[2, held]]],
    ['a message waits for others of its batch', false, [], [[1, { stage: 'gathered', untilAt: now + 1 }]]],
    ['a batch that is due finds no place', true, [wedged], [[2, { stage: 'gathered', untilAt: now }]]],
    ['a message is halted', false, [], [[1, halted]]],
    ['a message is halted beside a handler that goes on', true, [wedged], [[2, halted]]],
    ['a dead letter is stored', false, [], [[1, buried]]],
    ['the dead letter of a handler that goes on is stored', false, [wedged], [[1, buried]]],
  ])('where %s: %s', (_why, expected, runs, stages) => {
    expect(isHeldUp(factsOf({ loop: loopOf(runs, stages) }))).toBe(expected)
  })

  it('looks at other partitions only where a message may wait for a place that they have', () => {
    const others = [loopOf([fresh])]
    expect(isHeldUp(factsOf({ others, areSlotsTaken: true }))).toBe(false)
    expect(isHeldUp(factsOf({ others, areSlotsTaken: false }))).toBe(true)
    expect(isHeldUp(factsOf({ others: [loopOf([wedged, fresh])], areSlotsTaken: true }))).toBe(true)
  })
})

function factsOf(facts: Partial<StandstillFacts>): StandstillFacts {
  return { now, stallAfterMs, loop: loopOf([]), others: [], areSlotsTaken: false, areSlotsHeld: false, ...facts }
}

function loopOf(runs: readonly HandlerRun[], stages: readonly (readonly [number, MessageStage])[] = []): WatchedLoop {
  return {
    partition: { topic: 't', partition: 0, revoked: new AbortController().signal },
    motion: new PartitionMotion({ now: () => now }),
    oldest: undefined,
    uncommittedOffset: undefined,
    stages: new Map(stages),
    runs,
    isAwaitingRoom: false,
  }
}
