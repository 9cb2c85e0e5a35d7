import type { BinaryReader } from '@bufbuild/protobuf/wire'
import { functionOf } from './function-text.ts'
import type { Fields, Read, ReadMessage } from './message-reader.ts'
import { readTag, requireEnd } from './wire-tag.ts'

/** How the fields of an object are read. */
export interface ObjectReading {
  /** Those that stand on the wire as they usually do. */
  readonly usual: readonly UsualField[]
  /** Those that are there in any case, and with what: `{}`. */
  readonly always: readonly { readonly name: string; readonly text: 'null' | '{}' | '[]' }[]
  /** Reads a field that stands there in any other way, and passes over one that nobody knows. */
  readOther(reader: BinaryReader, target: Fields, tag: number): void
}

export interface UsualField {
  readonly name: string
  readonly tag: number
  /** A `part` comes in one piece or in several, an `item` is added to a list, and of a `value` the last counts. */
  readonly kind: 'value' | 'part' | 'item'
  readonly read: Read
}

/** Compiles the object's own reader: a branch for each tag, as one would write it by hand. */
export function compileObjectReader({ usual, always, readOther }: ObjectReading): ReadMessage {
  const reads = Object.fromEntries(usual.map(({ read }, index) => [`read${index}`, read]))
  const branches = usual.map(
    ({ name, tag, kind }, index) => `case ${tag}: { ${steps[kind](place(name), `read${index}`)}; break }`,
  )
  const ends = always.map(({ name, text }) => `${place(name)} ??= ${text}`)
  return functionOf(
    `function readObject(reader, end, current) {
      const target = current ?? {}
      while (reader.pos < end) {
        const tag = readTag(reader)
        switch (tag) {
          ${branches.join('\n')}
          default: readOther(reader, target, tag)
        }
      }
      requireEnd(reader, end)
      ${ends.join('\n')}
      return target
    }`,
    { ...reads, readOther, readTag, requireEnd },
  )
}

const steps = {
  value: (at: string, read: string) => `${at} = ${read}(reader, undefined)`,
  part: (at: string, read: string) => `const value = ${read}(reader, ${at}); if (value !== undefined) ${at} = value`,
  item: (at: string, read: string) => `(${at} ??= []).push(${read}(reader, undefined))`,
} as const satisfies Record<UsualField['kind'], unknown>

function place(name: string): string {
  return `target[${JSON.stringify(name)}]`
}
