export type { Logger } from './log.ts'
export { outgoingMetadata } from '../call/propagation.ts'
export { counter, observe } from './instrument.ts'
