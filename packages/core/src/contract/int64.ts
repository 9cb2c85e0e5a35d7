export { type Int64Options, type Int64Range, int64, int64RangeOf } from '../schema/int64.ts'
