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
  const names = values.map(({ protoName }) => protoName)
  const bareNames = new Set(names.map((one) => bareName(one.slice(prefix.length))))
  if (bareNames.size < values.length || !names.every((one) => /^[A-Z][A-Z0-9_]*$/.test(one))) return undefined
  return { fullName: `${scope}.${name}`, name, values }
}

/**
 * `_IN_TRANSIT` → `InTransit`, `_V_1` and `_V1` → `V1`: compilers of protobuf refuse an enum in which two values have the same.
 *
 * @see protocolbuffers/protobuf, descriptor.cc, CheckEnumValueUniqueness
 */
function bareName(suffix: string): string {
  const words = suffix.split('_').filter((word) => word !== '')
  return words.map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('')
}
