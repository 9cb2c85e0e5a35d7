import { about } from '@shop/contracts'
import { ping, queuePlace, registryAt } from '@shop/data'
import { defineService, list, optional, port, provide, secret } from '@tenon/core'
import { observability } from '@tenon/observability'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { queueDriver, queueTransport } from '@tenon/transport-queue'
import { openUserDatabase, UserDatabase } from './user-database.ts'
import { UserHandler } from './user-handler.ts'
import { UserStore } from './user-store.ts'

export const service = defineService({
  name: 'user',
  version: '0.1.0',
  config: {
    httpPort: port('USER_HTTP_PORT', 3001),
    grpcPort: port('USER_GRPC_PORT', 50051),
    adminPort: port('USER_ADMIN_PORT', 9001),
    brokers: list('KAFKA_BROKERS', []),
    kafkaClient: optional('KAFKA_CLIENT'),
    queueFile: optional('QUEUE_FILE'),
    registry: optional('REGISTRY'),
    registryPassword: secret(optional('REGISTRY_PASSWORD')),
    databaseUrl: secret(optional('DATABASE_URL')),
    dataDir: optional('DATA_DIR'),
    collector: optional('OTEL_EXPORTER_OTLP_ENDPOINT'),
  },
  handlers: [UserHandler],
  providers: (settings) => [
    provide(UserDatabase, {
      create: () => openUserDatabase({ ...settings, databaseUrl: settings.databaseUrl?.reveal() }),
      check: ping,
      connectsTo: [settings.databaseUrl],
      dispose: (database) => database.destroy(),
    }),
    provide(UserStore, { needs: [UserDatabase], create: (database) => new UserStore(database) }),
  ],
  transports: (settings) => [
    httpTransport({
      port: settings.httpPort,
      openapi: { ...about, title: 'Users', description: 'Users of the shop, with a count of their orders.' },
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
