export { UnusableSchema } from '../schema/unusable-schema.ts'
