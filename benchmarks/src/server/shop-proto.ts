import { fileURLToPath } from 'node:url'
import type { ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

/** The service of shop.proto as proto-loader gives it, without options. */
export const shopProto = loadSync(fileURLToPath(new URL('../../shop.proto', import.meta.url)))[
  'bench.v1.ShopService'
] as ServiceDefinition
