import { afterEach, expect, it, vi } from 'vitest'
import { OutageLog } from './outage-log.ts'

afterEach(() => void vi.useRealTimers())

const away = new Error('away')

function telling() {
  vi.useFakeTimers()
  const lines: string[] = []
  const line = (level: string) => (fields: object, message: string) =>
    void lines.push([level, ...Object.values(fields).map(String), message].join(' '))
  const log = { debug() {}, info: line('info'), warn: line('warn'), error() {}, child: () => log }
  const outages = new OutageLog()
  outages.tell(log)
  return { outages, lines }
}

it('tells once that a topic takes no messages, and once that it does again', () => {
  const { outages, lines } = telling()
  outages.end('a')
  for (let count = 0; count < 3; count += 1) outages.begin('a', away)
  for (let count = 0; count < 3; count += 1) outages.end('a')
  expect(lines).toEqual(['warn a Error: away messages cannot be published', 'info a messages are published again'])
})

it('tells topics apart: one that works says nothing of one that does not', () => {
  const { outages, lines } = telling()
  for (let count = 0; count < 3; count += 1) {
    outages.begin('bad', away)
    outages.end('good')
  }
  expect(lines).toEqual(['warn bad Error: away messages cannot be published'])
})

it('tells of a topic that comes and goes once a minute', () => {
  const { outages, lines } = telling()
  const flap = () => {
    outages.begin('a', away)
    outages.end('a')
  }
  for (let count = 0; count < 100; count += 1) flap()
  vi.advanceTimersByTime(59_000)
  flap()
  expect(lines).toHaveLength(2)
  vi.advanceTimersByTime(1_000)
  flap()
  expect(lines).toHaveLength(4)
})

it('tells nothing once it is told to stop', () => {
  const { outages, lines } = telling()
  outages.tell(undefined)
  outages.begin('a', away)
  outages.end('a')
  expect(lines).toEqual([])
})
