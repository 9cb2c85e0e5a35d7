import { about, users } from '@shop/contracts'
import { ping, queuePlace, registryAt } from '@shop/data'
import { defineService, list, optional, port, provide, type RemotePolicy, remote, secret } from '@tenon/core'
import { observability } from '@tenon/observability'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { queueDriver, queueTransport } from '@tenon/transport-queue'
import { openOrderDatabase, OrderDatabase } from './order-database.ts'
import { OrderHandler } from './order-handler.ts'
import { OrderStore } from './order-store.ts'
import { userAddressOf } from './user-address.ts'

/**
 * Reading a user changes nothing, so a call that fails or takes long is made again, at another instance where there is one; and while most
 * of them fail, some are not even sent.
 */
const callingUsers: RemotePolicy<typeof users> = {
  timeoutMs: 2_000,
  retry: { attemptTimeoutMs: 500 },
  breaker: true,
}

export const service = defineService({
  name: 'order',
  version: '0.1.0',
  config: {
    httpPort: port('ORDER_HTTP_PORT', 3002),
    grpcPort: port('ORDER_GRPC_PORT', 50052),
    adminPort: port('ORDER_ADMIN_PORT', 9002),
    userAddress: optional('USER_ADDRESS'),
    userGrpcPort: port('USER_GRPC_PORT', 50051),
    host: optional('TENON_HOST'),
    brokers: list('KAFKA_BROKERS', []),
    kafkaClient: optional('KAFKA_CLIENT'),
    queueFile: optional('QUEUE_FILE'),
    registry: optional('REGISTRY'),
    registryPassword: secret(optional('REGISTRY_PASSWORD')),
    databaseUrl: secret(optional('DATABASE_URL')),
    dataDir: optional('DATA_DIR'),
    collector: optional('OTEL_EXPORTER_OTLP_ENDPOINT'),
  },
  handlers: [OrderHandler],
  providers: (settings) => [
    provide(OrderDatabase, {
      create: () => openOrderDatabase({ ...settings, databaseUrl: settings.databaseUrl?.reveal() }),
      check: ping,
      connectsTo: [settings.databaseUrl],
      dispose: (database) => database.destroy(),
    }),
    provide(OrderStore, { needs: [OrderDatabase], create: (database) => new OrderStore(database) }),
  ],
  remotes: (settings) => [remote(users, { via: grpcClient(), at: userAddressOf(settings), policy: callingUsers })],
  transports: (settings) => [
    httpTransport({
      port: settings.httpPort,
      openapi: { ...about, title: 'Orders', description: 'Orders of the shop: placed by users, cancelled, followed.' },
      docs: true,
    }),
    // gRPC keeps its connections: callers that make new ones find the pods that the autoscaler has added.
    grpcTransport({ port: settings.grpcPort, maxConnectionAgeMs: 60_000 }),
    // Kafka where brokers are named, else a file that the services of this machine share.
    queueTransport({ driver: queueDriver(queuePlace(settings)) }),
  ],
  // Where others find this service, and it finds them; none where they are at addresses that stay.
  registry: registryAt,
  admin: (settings) => ({ port: settings.adminPort }),
  // Spans, metrics and lines of log go to a Collector where one is named; `/metrics` is there then too.
  telemetry: ({ collector }) => (collector === undefined ? undefined : observability({ endpoint: collector })),
})
