import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { expect, test } from 'vitest'
import { compileObjectReader } from './object-reader.ts'
import { compileObjectWriter } from './object-writer.ts'
import { scalarReaders, scalarWriters } from './scalar-codec.ts'

const names = [
  'a"]; throw 1; target["',
  "it's",
  'line\nbreak',
  'back\\slash',
  '\u2028',
  '${reader}',
  '`',
  'constructor',
]

test.each(names)('the name %j is data, and never a part of the text', (name) => {
  const write = compileObjectWriter([
    { name, tag: 10, isList: false, isNullable: false, write: scalarWriters.string },
    { name: `${name}s`, tag: 18, isList: true, isNullable: false, write: scalarWriters.string },
  ])
  const read = compileObjectReader({
    usual: [
      { name, tag: 10, kind: 'value', read: scalarReaders.string },
      { name: `${name}s`, tag: 18, kind: 'item', read: scalarReaders.string },
    ],
    always: [{ name: `${name}?`, text: 'null' }],
    readOther: () => expect.unreachable(),
  })
  const value = { [name]: 'one', [`${name}s`]: ['two', 'three'] }
  const writer = new BinaryWriter()
  write(writer, value, 0)
  const bytes = writer.finish()
  const found = read(new BinaryReader(bytes), bytes.length, undefined)
  expect(found).toEqual({ ...value, [`${name}?`]: null })
})

test('what does not stand as usual is left to the other reader', () => {
  const seen: number[] = []
  const read = compileObjectReader({
    usual: [{ name: 'count', tag: 8, kind: 'value', read: scalarReaders.int32 }],
    always: [],
    readOther: (reader, _target, tag) => {
      seen.push(tag)
      reader.skip(tag & 7, tag >>> 3)
    },
  })
  const bytes = new BinaryWriter().uint32(10).string('text').uint32(8).int32(7).uint32(16).int32(1).finish()
  expect(read(new BinaryReader(bytes), bytes.length, undefined)).toEqual({ count: 7 })
  expect(seen).toEqual([10, 16])
})
