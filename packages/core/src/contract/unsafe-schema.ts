export { unsafeSchema } from '../schema/unsafe-schema.ts'
