import type { EnumShape } from './message-shape.ts'
import { screamingSnakeCase } from './proto-name.ts'

/** The enum of a choice of texts; undefined for texts that give no distinct names. */
export function shapeEnum(
  texts: readonly string[],
  { name, scope }: { readonly name: string; readonly scope: string },
): EnumShape | undefined {
  const prefix = screamingSnakeCase(name)
  const named = texts.map((text, index) => ({
    text,
    protoName: `${prefix}_${screamingSnakeCase(text)}`,
    number: index + 1,
  }))
  const values = [{ text: '', protoName: `${prefix}_UNSPECIFIED`, number: 0 }, ...named]
  const names = new Set(values.map(({ protoName }) => protoName))
  if (names.size < values.length || ![...names].every((one) => /^[A-Z][A-Z0-9_]*$/.test(one))) return undefined
  return { fullName: `${scope}.${name}`, name, values }
}
