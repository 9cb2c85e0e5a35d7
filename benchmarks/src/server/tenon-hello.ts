import { defineConsumer, defineHandler, defineService } from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryDriver, queueTransport } from '@tenon/transport-queue'
import { Type } from '@tenon/core/typebox'
import { ready } from './ready.ts'

const hello = contract('demo.v1.HelloService', {
  greet: {
    input: Type.Object({ name: Type.String() }),
    output: Type.Object({ text: Type.String() }),
    http: 'GET /hello/:name',
  },
})
const greeted = event('demo.greeted.v1', { key: 'name', payload: Type.Object({ name: Type.String() }) })

/** Hello on all three transports, with its admin server. */
const service = defineService({
  name: 'hello',
  version: '1.0.0',
  admin: { port: 0 },
  handlers: [
    defineHandler(hello, () => ({ greet: async ({ name }) => ({ text: `hello ${name}` }) })),
    defineConsumer(greeted, () => async () => undefined),
  ],
  transports: () => [
    httpTransport({ port: 0 }),
    grpcTransport({ port: 0 }),
    queueTransport({ driver: memoryDriver() }),
  ],
})
await service.start()
ready(0)
