import { defineService } from '@tenon/core'
import { observability } from '@tenon/observability'
import { httpTransport } from '@tenon/transport-http'
import { ready } from './ready.ts'
import { shopHandler } from './shop.ts'

/** Sends all its spans, and its metrics each second. */
const service = defineService({
  name: 'shop',
  version: '1.0.0',
  admin: false,
  handlers: [shopHandler],
  transports: () => [httpTransport({ port: 0 })],
  telemetry: () => observability({ metricIntervalMs: 1_000 }),
})
const { addresses } = await service.start()
ready(addresses[0]?.port ?? 0)
