import type { Names } from './names.ts'
import type { PodPort, PodPorts } from './pod-port.ts'
import { noted } from './yaml-text.ts'

/** One for HTTP and one for gRPC, as far as there is something to reach; none for a worker. */
export function services(ports: PodPorts, names: Names): readonly object[] {
  const of = (kind: PodPort['kind']) => ports.transports.filter((port) => port.kind === kind)
  const [http, grpc] = [of('http'), of('grpc')]
  return [
    ...(http.length > 0 ? [service(names.service, http, names)] : []),
    ...(grpc.length > 0 ? [headless(names.grpcService, grpc, names)] : []),
  ]
}

function service(name: string, ports: readonly PodPort[], { labels, selector }: Names): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { selector, ports: ports.map(servicePort) },
  }
}

/** gRPC keeps its connections: callers must see the pods themselves to spread over them. */
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
