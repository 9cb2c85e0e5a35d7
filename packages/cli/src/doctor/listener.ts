import type { ServiceDescription } from '@tenon/core'

/** What a probe asks. */
export type Question = 'livez' | 'readyz' | 'startupz'

/** A port of the service. */
export interface Listener {
  /** `admin`, or the name of a transport. */
  readonly name: string
  readonly protocol: string
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** Whether callers of the service come to it, and not those who watch over it. */
  readonly hasCallers: boolean
  /** The probes it answers over HTTP, by path. */
  readonly probes: Readonly<Record<string, Question>>
  /** Paths it answers to GET besides; a parameter is `:name`. */
  readonly paths: readonly string[]
}

const adminProbes = { '/livez': 'livez', '/readyz': 'readyz', '/startupz': 'startupz' } as const

/** Where a service listens on the network, as its description says. */
export function listenersOf({ admin, transports, operations }: ServiceDescription): readonly Listener[] {
  const ofAdmin: readonly Listener[] = admin
    ? [
        {
          ...admin,
          name: 'admin',
          protocol: 'http',
          hasCallers: false,
          probes: adminProbes,
          paths: ['/info', '/metrics'],
        },
      ]
    : []
  const ofTransports = transports.flatMap(({ name, listensAt = [], probes = {} }) => {
    const routes = operations
      .filter((operation) => operation.transports.includes(name))
      .flatMap(({ http }) => http?.routes ?? [])
    const paths = routes.flatMap((route) => (route.startsWith('GET ') ? [route.slice('GET '.length)] : []))
    return listensAt.map((place) => ({ ...place, name, hasCallers: true, probes, paths }))
  })
  return [...ofAdmin, ...ofTransports].filter(({ host }) => !host.startsWith('unix:'))
}

/** Whether a listener speaks gRPC, with or without TLS. */
export function isGrpc({ protocol }: Pick<Listener, 'protocol'>): boolean {
  return protocol === 'grpc' || protocol === 'grpcs'
}

/** `9001 (admin), 3001 (http)` */
export function portsText(listeners: readonly Listener[]): string {
  return listeners.map(({ name, port }) => `${port} (${name})`).join(', ')
}

/** Whether it has a route that fits the path: `/v1/users/:userId`. */
export function answers({ paths }: Listener, path: string): boolean {
  const given = path.split('/')
  return paths.some((route) => {
    const wanted = route.split('/')
    return (
      wanted.length === given.length && wanted.every((part, index) => part.startsWith(':') || part === given[index])
    )
  })
}
