import { defineService, secret, text } from '@tenon/core'
import { observability } from '@tenon/observability'

export const service = defineService({
  name: 'order',
  version: '1.0.0',
  config: { collectorToken: secret(text('COLLECTOR_TOKEN', 'unset')), adminToken: secret(text('ADMIN_TOKEN')) },
  handlers: [],
  telemetry: ({ collectorToken }) =>
    observability({
      endpoint: 'http://collector:4318',
      headers: { 'x-collector-token': collectorToken },
      sampleRatio: 0.1,
    }),
  admin: ({ adminToken }) => ({ token: adminToken }),
})
