import { protoOf } from '@tenon/transport-grpc'
import { describe, expect, test } from 'vitest'
import { type Change, changes, contractOf } from './lock-corpus/index.ts'
import { replay } from './lock-corpus/replay.ts'

const owner = 'shop.user.v1'

describe('a lock allows what callers of before can live with, and nothing else', () => {
  test.each(changes.map((change) => [change.verdict, change.name, change] as const))('%s: %s', (verdict, _, change) => {
    const { merged, refusal } = replay(change, owner)
    expect(merged === undefined ? 'breaking' : 'compatible', refusal).toBe(verdict)
    expect(refusal).toContain(change.told ?? '')
    if (verdict === 'breaking') expect(refusal).toMatch(/bring|use another name/)
  })
})

test('every name is that of one change, and there are at least forty', () => {
  expect(new Set(changes.map(({ name }) => name)).size).toBe(changes.length)
  expect(changes.length).toBeGreaterThanOrEqual(40)
})

describe('what a lock knows keeps its number', () => {
  const kept = changes.filter(({ verdict, byHand }) => verdict === 'compatible' && byHand === undefined)
  test.each(kept.map((change) => [change.name, change] as const))('%s', (_, change: Change) => {
    const { committed, merged = '' } = replay(change, owner)
    const numbers = numbersIn(merged)
    for (const [name, number] of numbersIn(committed)) expect(numbers.get(name) ?? number).toBe(number)
    expect(protoOf(contractOf(`${owner}.UserService`, change.after), { lock: merged })).toBe(merged)
  })
})

/** Numbers by name, with the line around them that opens their message. */
function numbersIn(proto: string): ReadonlyMap<string, string> {
  const inside: string[] = []
  const numbers = new Map<string, string>()
  for (const line of proto.split('\n').map((one) => one.trim())) {
    if (line.endsWith('{')) inside.push(line)
    else if (line === '}') inside.pop()
    const [, name, number] = /(\w+) = (\d+)[ ;]/.exec(line) ?? []
    if (name !== undefined && number !== undefined) numbers.set([...inside, name].join(' '), number)
  }
  return numbers
}
