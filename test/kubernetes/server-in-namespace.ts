import type { Namespace } from './kubectl.ts'

/** A server of this machine as pods of a namespace know it. */
export interface OutsideServer {
  /** What the Service is called. */
  readonly name: string
  readonly port: number
  /** Where pods reach it: `10.244.0.1:15432`. */
  readonly target: string
}

/** Gives a server outside the cluster a name in a namespace, by a Service that selects no pods. */
export async function serveInNamespace(namespace: Namespace, { name, port, target }: OutsideServer): Promise<void> {
  const [address = '', targetPort] = target.split(':')
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port, targetPort: Number(targetPort) }] },
  }
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ port: Number(targetPort) }],
    endpoints: [{ addresses: [address] }],
  }
  for (const object of [service, slice]) await namespace.run(['apply', '-f', '-'], { input: JSON.stringify(object) })
}
