import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createTerminus, type TerminusOptions } from '@godaddy/terminus'
import { defineService, type Logger, type Service, type ServiceOptions } from '@tenon/core'
import { onTestFinished } from 'vitest'
import { type AdapterOptions, terminusOptions } from './index.ts'

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** A service that has nothing but what is attached to it. */
export function bareService(options: Partial<ServiceOptions> = {}): Service {
  return defineService({ name: 'demo', version: '1.0.0', handlers: [], admin: false, ...options })
}

export interface TeamServer {
  readonly server: Server
  readonly service: Service
  readonly options: TerminusOptions
  readonly url: string
  readonly port: number
}

interface Team {
  readonly app?: RequestListener
  readonly adapter?: AdapterOptions
  readonly service?: Service
}

/** A server of a team that has terminus on it, with a service attached, and listens. */
export async function teamServer({
  app = (_request, reply) => reply.end('app'),
  ...given
}: Team = {}): Promise<TeamServer> {
  const service = given.service ?? bareService()
  const server = createServer(app)
  const options = terminusOptions(service, server, given.adapter)
  withTerminus(server, options)
  const port = await listening(server)
  return { server, service, options, port, url: `http://127.0.0.1:${port}` }
}

/** Terminus never takes back what it hears. */
function withTerminus(server: Server, options: TerminusOptions): void {
  const events = [options.signal ?? 'SIGTERM', ...(options.signals ?? [])]
  const before = new Map(events.map((event) => [event, process.listeners(event as never)]))
  createTerminus(server, options)
  onTestFinished(() => {
    for (const [event, kept] of before) {
      const added = process.listeners(event as never).filter((listener) => !kept.includes(listener))
      for (const listener of added) process.off(event, listener)
    }
  })
}

export async function listening(server: Server | TlsServer): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}
