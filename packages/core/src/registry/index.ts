export { memoryRegistry } from './memory-registry.ts'
export type { Discovery, Endpoint, Instance, Registrar, Registration } from './registry.ts'
