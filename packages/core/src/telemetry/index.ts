export type { Logger } from './log.ts'
export { outgoingMetadata } from '../call/propagation.ts'
export { counter, observe } from './instrument.ts'
export { metricTable } from './metric-table.ts'
