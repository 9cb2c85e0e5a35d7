import { functionOf } from './function-text.ts'
import type { Write } from './message-writer.ts'

/** How a field of an object is written. */
export interface FieldWriting {
  readonly name: string
  /** What stands before the value, or before each item of a list; undefined where `write` sees to that. */
  readonly tag: number | undefined
  readonly isList: boolean
  /** Whether null is left out. */
  readonly isNullable: boolean
  readonly write: Write
}

/** Compiles the object's own writer: a step for each field, as one would write it by hand. */
export function compileObjectWriter(fields: readonly FieldWriting[]): Write {
  const writes = Object.fromEntries(fields.map(({ write }, index) => [`write${index}`, write]))
  const steps = fields.map((field, index) => {
    const absent = field.isNullable ? 'field != null' : 'field !== undefined'
    return `field = value[${JSON.stringify(field.name)}]\nif (${absent}) ${stepOf(field, `write${index}`)}`
  })
  return functionOf(
    `function writeObject(writer, value, depth) {
      if (typeof value !== 'object' || value === null) throw new TypeError('expected an object')
      let field
      ${steps.join('\n')}
    }`,
    { ...writes, requireList },
  )
}

function stepOf({ tag, isList }: FieldWriting, write: string): string {
  if (tag === undefined) return `${write}(writer, field, depth)`
  if (isList) return `for (const item of requireList(field)) { writer.uint32(${tag}); ${write}(writer, item, depth) }`
  return `{ writer.uint32(${tag}); ${write}(writer, field, depth) }`
}

export function requireList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new TypeError('expected a list')
}
