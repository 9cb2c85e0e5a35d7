export {
  isStandardSchema,
  type JsonSchema,
  type Schema,
  type StandardSchema,
  toJsonSchema,
  type TypeboxSchema,
  type ValueOf,
  type WireOf,
} from '../schema/schema.ts'
