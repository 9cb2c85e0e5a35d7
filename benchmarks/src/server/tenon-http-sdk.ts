import { registerSdk } from './sampling-sdk.ts'

/** The same service in a process that has an SDK. */
registerSdk()
await import('./tenon-http.ts')
