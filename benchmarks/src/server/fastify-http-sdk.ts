import { FastifyOtelInstrumentation } from '@fastify/otel'
import { registerSdk } from './sampling-sdk.ts'

/** The same server in a process that has an SDK, with one span a request as Tenon has it: without one of the handler, which is made by default. */
registerSdk()
new FastifyOtelInstrumentation({ registerOnInitialization: true, instrumentHandler: false }).enable()
await import('./fastify-http.ts')
