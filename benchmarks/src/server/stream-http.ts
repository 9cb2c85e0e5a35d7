import { defineService } from '@tenon/core'
import { httpTransport } from '@tenon/transport-http'
import { numberHandler } from './numbers.ts'
import { ready } from './ready.ts'

const service = defineService({
  name: 'numbers',
  version: '1.0.0',
  admin: false,
  handlers: [numberHandler],
  transports: () => [httpTransport({ port: 0 })],
})
const { addresses } = await service.start()
ready(addresses[0]?.port ?? 0)
