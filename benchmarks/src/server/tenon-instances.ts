import { defineService } from '@tenon/core'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { ready } from './ready.ts'
import { shopHandler } from './shop.ts'

const instanceCount = 10

/** Where the instances of a protocol are, by its name. */
export type InstancePorts = Readonly<Record<'http' | 'grpc', readonly number[]>>

const ports = { http: [] as number[], grpc: [] as number[] }
for (let instance = 0; instance < instanceCount; instance += 1) {
  const service = defineService({
    name: 'shop',
    version: '1.0.0',
    admin: false,
    handlers: [shopHandler],
    transports: () => [httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
  })
  for (const { protocol, port = 0 } of (await service.start()).addresses)
    if (protocol === 'http' || protocol === 'grpc') ports[protocol].push(port)
}
process.on('message', (question) => {
  if (typeof question !== 'string') process.send?.(ports satisfies InstancePorts)
})
ready(0)
