import { registerSdk } from './sampling-sdk.ts'

/** The same service in a process that has an SDK, for spans alone where it is told so. */
registerSdk({ isMeasuring: process.env['BENCH_METRICS'] !== 'none' })
await import('./tenon-http.ts')
