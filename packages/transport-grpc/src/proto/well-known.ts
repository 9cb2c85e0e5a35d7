import type { WellKnownName } from './message-shape.ts'

/** The types of google.protobuf that fields may have: full name, kind, and the file that declares it. */
export const wellKnownTypes = {
  value: { fullName: 'google.protobuf.Value', kind: 'message', file: 'google/protobuf/struct.proto' },
  null: { fullName: 'google.protobuf.NullValue', kind: 'enum', file: 'google/protobuf/struct.proto' },
  timestamp: { fullName: 'google.protobuf.Timestamp', kind: 'message', file: 'google/protobuf/timestamp.proto' },
} as const satisfies Readonly<Record<WellKnownName, unknown>>
