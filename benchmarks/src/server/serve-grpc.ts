import {
  Server,
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { ready } from './ready.ts'

/** Serves with plain grpc-js, on any free port. */
export function serveGrpc(
  definition: ServiceDefinition,
  methods: UntypedServiceImplementation,
  options: ServerOptions = {},
): void {
  const server = new Server(options)
  server.addService(definition, methods)
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error
    ready(port)
  })
}
