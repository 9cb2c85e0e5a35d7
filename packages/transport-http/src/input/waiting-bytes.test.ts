import { expect, test } from 'vitest'
import { WaitingBytes } from './waiting-bytes.ts'

function all(waiting: WaitingBytes): Buffer[] {
  const pieces: Buffer[] = []
  for (let piece = waiting.take(); piece !== undefined; piece = waiting.take()) pieces.push(piece)
  return pieces
}

test('small pieces become few, in their order, and cost little more than they hold', () => {
  const waiting = new WaitingBytes()
  const sent = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251))
  for (let index = 0; index < sent.length; index += 1) waiting.add(sent.subarray(index, index + 1))
  expect(waiting.costBytes).toBeLessThan(120_000)
  const pieces = all(waiting)
  expect(pieces.length).toBeLessThan(10)
  expect(Buffer.concat(pieces).equals(sent)).toBe(true)
  expect(waiting.costBytes).toBe(0)
})

test('large pieces and a single small one are given as they came, without a copy', () => {
  const waiting = new WaitingBytes()
  const pieces = [Buffer.from('a'), Buffer.alloc(2_000, 'b'), Buffer.alloc(2_000, 'c'), Buffer.from('d')]
  for (const piece of pieces) waiting.add(piece)
  const given = all(waiting)
  expect(given).toEqual(pieces)
  expect(given.map(({ buffer }) => buffer)).toEqual(pieces.map(({ buffer }) => buffer))
})

test('what was given is not written to by what comes later, and holds nothing but its body', () => {
  const waiting = new WaitingBytes()
  waiting.add(Buffer.from('ab'))
  waiting.add(Buffer.from('cd'))
  const [first] = all(waiting)
  waiting.add(Buffer.from('ef'))
  waiting.add(Buffer.from('gh'))
  expect(String(first)).toBe('abcd')
  expect(
    Buffer.from(first?.buffer ?? new ArrayBuffer(0))
      .toString()
      .replaceAll('\0', ''),
  ).toBe('abcd')
  waiting.clear()
  expect([waiting.costBytes, waiting.take()]).toEqual([0, undefined])
})
