import { defaultJsonName } from './json-name.ts'
import type { MessageShape } from './message-shape.ts'
import { mapEntryName } from './proto-name.ts'

/**
 * Names that would be declared twice in a message: fields and types, and the values of its enums, which share its scope.
 *
 * So are names that fields would have in JSON if the file named none: compilers of protobuf compare these too.
 *
 * @see protocolbuffers/protobuf, descriptor.cc, CheckFieldJsonNameUniqueness
 */
export function repeatedNames({ fields, oneof, messages, enums }: MessageShape): ReadonlySet<string> {
  const names = [
    ...[...fields, ...enums.flatMap(({ values }) => values)].map(({ protoName }) => protoName),
    ...(oneof === undefined ? [] : [oneof]),
    ...[...messages, ...enums].map(({ name }) => name),
    ...fields.filter(({ label }) => label === 'map').map(({ protoName }) => mapEntryName(protoName)),
  ]
  const jsonNames = [...new Set(fields.map(({ protoName }) => protoName))].map(defaultJsonName)
  return new Set([...repeatedIn(names), ...repeatedIn(jsonNames)])
}

function repeatedIn(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.indexOf(name) !== index)
}
