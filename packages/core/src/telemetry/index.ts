export type { Logger } from './log.ts'
export { outgoingMetadata } from './propagation.ts'
