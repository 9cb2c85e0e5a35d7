import type { RemoteDescription } from '@tenon/core'
import type { ComposedService } from './composed-service.ts'

/** Another service of the compose file that a service calls. */
export interface Peer {
  readonly remote: RemoteDescription
  /** Name of the service that is called, which is also that of its host. */
  readonly name: string
  /** Where it is reached from other containers: `static:///user:50051`. */
  readonly address: string
}

/** A setting that says where another service of the compose file is. */
export interface PeerSetting {
  readonly variable: string
  readonly peer: string
  readonly address: string
}

/** Those of the remotes of a service that another service of the file answers, found by their contracts. */
export function peersOf(service: ComposedService, services: readonly ComposedService[]): readonly Peer[] {
  return service.description.remotes.flatMap((remote) => {
    const called = services.find(({ description }) =>
      description.handlers.some(({ contracts }) => contracts.includes(remote.contract)),
    )
    const port = called && portFor(remote, called)
    if (called === undefined || port === undefined) return []
    const { name } = called.description
    return [{ remote, name, address: `static:///${name}:${port}` }]
  })
}

/** Which setting it is can be told by its name only: `USER_ADDRESS` for `user`. The description shows whether that was right. */
export function peerSettings(service: ComposedService, services: readonly ComposedService[]): readonly PeerSetting[] {
  const variables = service.description.settings.map(({ variable }) => variable)
  return peersOf(service, services).flatMap(({ name, address }) => {
    const prefix = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
    const variable = endings.map((ending) => prefix + ending).find((candidate) => variables.includes(candidate))
    return variable === undefined ? [] : [{ variable, peer: name, address }]
  })
}

const endings = ['_ADDRESS', '_GRPC_ADDRESS', '_HTTP_ADDRESS', '_TARGET', '_URL'] as const

/** The port of the protocol that the client speaks. A port that any may be is none. */
function portFor({ transport }: RemoteDescription, { description }: ComposedService): number | undefined {
  const listeners = description.transports.flatMap(({ listensAt = [] }) => listensAt)
  return listeners.find(({ protocol, port }) => protocol.startsWith(transport) && port > 0)?.port
}
