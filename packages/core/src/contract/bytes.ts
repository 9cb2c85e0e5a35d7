export { type BytesOptions, type BytesRange, bytes, bytesRangeOf } from '../schema/bytes.ts'
