export { type EventuallyOptions, eventually } from './eventually.ts'
export { type MemoryCallOptions, type MemoryTransport, memoryTransport } from './memory-transport.ts'
