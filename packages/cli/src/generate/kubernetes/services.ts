import type { Names } from './names.ts'
import type { PodPort, PodPorts } from './pod-port.ts'
import { noted } from '../yaml-text.ts'

/** One for whatever there is to reach, and one without an address of its own for gRPC; none for a worker. */
export function services({ transports }: PodPorts, names: Names): readonly object[] {
  const grpc = transports.filter(({ kind }) => kind === 'grpc')
  return [
    ...(transports.length > 0 ? [service(names.service, transports, names)] : []),
    ...(grpc.length > 0 ? [headless(names.grpcService, grpc, names)] : []),
  ]
}

function service(name: string, ports: readonly PodPort[], { labels, selector }: Names): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: {
      selector,
      ports: ports.map((port) => (port.kind === 'grpc' ? noted(servicePort(port), oneAddress) : servicePort(port))),
    },
  }
}

const oneAddress = 'one pod a connection; never one that is gone, which DNS may still tell of for half a minute'

/**
 * gRPC keeps its connections: callers must see the pods themselves to spread over them.
 *
 * @see CoreDNS, plugins kubernetes (ttl) and cache: answers are kept for up to 30 s in a cluster that says nothing else
 */
function headless(name: string, ports: readonly PodPort[], { labels, selector }: Names): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: {
      clusterIP: noted('None', 'clients keep their connections: they see the pods themselves, and spread over them'),
      publishNotReadyAddresses: false,
      selector,
      ports: ports.map(servicePort),
    },
  }
}

/** The same number in front as behind: a network policy knows only the pod's. */
function servicePort({ name, number, appProtocol }: PodPort): object {
  return { name, port: number, targetPort: name, appProtocol }
}
