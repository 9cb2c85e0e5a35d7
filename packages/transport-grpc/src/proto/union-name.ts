import { pascalCase, protoFieldName } from './proto-name.ts'

/** What the alternative of a union is called. */
export interface AlternativeName {
  /** Its message: `InTransit`. */
  readonly message: string
  /** Its field: `in_transit`. */
  readonly protoName: string
  /** Its field in protobuf's JSON: `inTransit`. */
  readonly jsonName: string
}

/** Names after the constants of a union's mark; undefined where they give no distinct ones. */
export function alternativeNames(mark: string, constants: readonly unknown[]): readonly AlternativeName[] | undefined {
  const names = constants.map((constant) => nameOf(mark, String(constant)))
  const isDistinct = (names: readonly string[]) => new Set(names).size === names.length
  const areNames = names.every(({ message }) => /^[A-Z][A-Za-z0-9]*$/.test(message))
  if (!areNames || !isDistinct(names.map(({ message }) => message))) return undefined
  return isDistinct(names.map(({ protoName }) => protoName)) ? names : undefined
}

/** What begins with no letter, such as a number, has the mark before it. */
function nameOf(mark: string, constant: string): AlternativeName {
  const text = /^[A-Za-z]/.test(constant) || !/[A-Za-z0-9]/.test(constant) ? constant : `${mark}-${constant}`
  const message = pascalCase(text)
  return { message, protoName: protoFieldName(text), jsonName: message.charAt(0).toLowerCase() + message.slice(1) }
}
