import { expect, test } from 'vitest'
import { linesOf } from './lines.ts'
import { readText } from './read-text.ts'

async function* pieces(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

/** Both bytes of one letter, apart. */
const [first, second] = [Buffer.from('ö').subarray(0, 1), Buffer.from('ö').subarray(1)]

async function all(texts: readonly (string | Uint8Array)[], limit = 100): Promise<readonly (readonly string[])[]> {
  const found = []
  for await (const lines of linesOf(pieces(...texts), limit)) found.push(lines)
  return found
}

test('lines come when they are complete, those that came together in one list', async () => {
  expect(await all(['a\nb\nc', 'c', '\n\nd\n'])).toEqual([
    ['a', 'b'],
    ['cc', 'd'],
  ])
})

test('a letter may come in two pieces', async () => {
  expect(await all(['a', first, second, '\n'])).toEqual([['aö']])
  expect(await readText(pieces('a', first, second), 100)).toBe('aö')
})

test('a line that does not end is refused at the limit, and at the end of the stream', async () => {
  expect(await all(['a'.repeat(60), `${'a'.repeat(40)}\n`])).toEqual([['a'.repeat(100)]])
  await expect(all(['a'.repeat(60), 'a'.repeat(41)])).rejects.toThrow('a line of more than 100 characters')
  await expect(all(['a\nb'])).rejects.toThrow('a line without an end')
})

test('a text over the limit is refused', async () => {
  expect(await readText(pieces('a'.repeat(100)), 100)).toHaveLength(100)
  await expect(readText(pieces('a'.repeat(60), 'a'.repeat(41)), 100)).rejects.toThrow('a reply of more than 100')
})
