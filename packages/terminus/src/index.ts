export { adapterDefaults, type AdapterOptions, type ProbePaths } from './adapter-options.ts'
export { terminusOptions } from './terminus-options.ts'
