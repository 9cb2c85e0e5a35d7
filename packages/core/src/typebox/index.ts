export { Type } from 'typebox'
// All of them, so that a compiler that writes declarations of a contract can name every type in it from here.
export type * from 'typebox'
