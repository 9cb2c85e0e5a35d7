import type { MessageShape } from './message-shape.ts'
import { mapEntryName } from './proto-name.ts'

/** Names that would be declared twice in a message: fields and types, and the values of its enums, which share its scope. */
export function repeatedNames({ fields, oneof, messages, enums }: MessageShape): ReadonlySet<string> {
  const names = [
    ...[...fields, ...enums.flatMap(({ values }) => values)].map(({ protoName }) => protoName),
    ...(oneof === undefined ? [] : [oneof]),
    ...[...messages, ...enums].map(({ name }) => name),
    ...fields.filter(({ label }) => label === 'map').map(({ protoName }) => mapEntryName(protoName)),
  ]
  return new Set(names.filter((name, index) => names.indexOf(name) !== index))
}
