import { describe, expect, it, vi } from 'vitest'
import type { FormPartItem } from '../contract/form-part.ts'
import { readParts } from './form-reader.ts'

interface AlbumItem extends FormPartItem {
  readonly albumId: string
}

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text))
const part = (name: string, chunk?: string): AlbumItem => ({
  albumId: 'a',
  part: { name },
  ...(chunk !== undefined && { chunk: bytesOf(chunk) }),
})
const chunk = (text: string): AlbumItem => ({ albumId: 'a', chunk: bytesOf(text) })

async function* itemsOf(...items: readonly AlbumItem[]) {
  yield* items
}

describe('readParts', () => {
  it('gives each part with its content and the fields beside it', async () => {
    const found: unknown[] = []
    const items = itemsOf(part('one', 'a'), chunk('b'), chunk(''), part('two'), part('three'), chunk('ü'))
    for await (const { name, item, text } of readParts(items)) found.push([name, item.albumId, await text()])
    expect(found).toEqual([
      ['one', 'a', 'ab'],
      ['two', 'a', ''],
      ['three', 'a', 'ü'],
    ])
  })

  it('skips what a handler leaves unread, and what it has begun', async () => {
    const names: string[] = []
    for await (const { name, content } of readParts(
      itemsOf(part('one'), chunk('a'), chunk('b'), part('two'), chunk('c')),
    )) {
      names.push(name)
      for await (const _ of content) break
    }
    expect(names).toEqual(['one', 'two'])
  })

  it('reads an item only when it is asked for', async () => {
    const next = vi.fn(async () => ({ done: false as const, value: chunk('a') }))
    next.mockResolvedValueOnce({ done: false, value: part('one') })
    const parts = readParts({ [Symbol.asyncIterator]: () => ({ next }) })
    const first = await parts.next()
    expect(next).toHaveBeenCalledTimes(1)
    const content = first.value?.content[Symbol.asyncIterator]()
    await content?.next()
    expect(next).toHaveBeenCalledTimes(2)
  })

  it('closes the items when the loop is left', async () => {
    const close = vi.fn(async () => ({ done: true as const, value: undefined }))
    const next = async () => ({ done: false as const, value: part('one') })
    for await (const _ of readParts({ [Symbol.asyncIterator]: () => ({ next, return: close }) })) break
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('refuses content before any part', async () => {
    await expect(readParts(itemsOf(chunk('a'))).next()).rejects.toMatchObject({
      code: 'invalid_argument',
      details: { violations: [{ field: '/0/chunk' }] },
    })
  })

  it('says so when the content of an earlier part is read', async () => {
    const parts = readParts(itemsOf(part('one'), chunk('a'), part('two'), chunk('b')))
    const first = await parts.next()
    await parts.next()
    await expect(first.value?.bytes()).rejects.toThrow('before the next part')
  })

  it('keeps no more than it is told to, and no text that is none', async () => {
    const long = await readParts(itemsOf(part('one', 'abc'), chunk('de'))).next()
    await expect(long.value?.bytes(4)).rejects.toMatchObject({ code: 'resource_exhausted', reason: 'body_too_large' })
    const exact = await readParts(itemsOf(part('one', 'abc'))).next()
    expect(await exact.value?.bytes(3)).toEqual(bytesOf('abc'))
    const broken = await readParts(itemsOf({ ...part('one'), chunk: Uint8Array.of(0xff) })).next()
    await expect(broken.value?.text()).rejects.toMatchObject({ code: 'invalid_argument', reason: 'undecodable' })
  })

  it('passes on what the items throw', async () => {
    const failing = async function* () {
      yield part('one')
      throw new Error('gone')
    }
    const { value } = await readParts(failing()).next()
    await expect(value?.text()).rejects.toThrow('gone')
  })
})
