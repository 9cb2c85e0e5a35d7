export { httpDefaults, type HttpOptions } from './http-options.ts'
export { httpTransport } from './http-transport.ts'
export type { Problem } from './reply/problem.ts'
