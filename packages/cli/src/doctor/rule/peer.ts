import { isLoopback } from '../../generate/loopback.ts'
import { type Place, placesOf } from '../../place.ts'
import type { Subject } from '../subject.ts'

/** A server that the service connects to. */
export interface Peer {
  /** What connects to it: a remote, a transport, a provider, a source of settings, the registry. */
  readonly name: string
  /** UDP for DNS, which is asked over TCP only where an answer is long. */
  readonly protocol: 'TCP' | 'UDP'
  readonly host: string
  /** Of a name that may be that of a Service; undefined where it is left to who applies the manifests. */
  readonly namespace: string | undefined
  /** Where it listens: one, or that behind the Service of that name; none where the Service names it as its pods do, which are not known. */
  readonly ports: readonly number[]
}

/** The servers that the service declares, as far as its settings tell; none on the pod itself. */
export function peersOf(subject: Subject): readonly Peer[] {
  const { remotes, transports, providers, registry, configSources = [] } = subject.service
  const declared: readonly Declared[] = [
    ...remotes.map(({ contract, address }) => ({ name: contract, addresses: [address] })),
    ...transports.map(({ name, connectsTo = [] }) => ({ name, addresses: connectsTo })),
    ...providers.map(({ name, connectsTo = [] }) => ({ name, addresses: connectsTo })),
    ...configSources.map(({ name, connectsTo = [] }) => ({ name, addresses: connectsTo })),
    ...registryServers(registry),
  ]
  return declared.flatMap(({ name, addresses, protocol = 'TCP' }) =>
    addresses
      .flatMap(placesOf)
      .filter(({ host, port }) => port > 0 && !isLoopback(host))
      .map((place) => ({
        name,
        protocol,
        host: place.host,
        namespace: namespaceOf(subject, place),
        ports: targetsOf(subject, place),
      })),
  )
}

interface Declared {
  readonly name: string
  readonly addresses: readonly string[]
  /** @defaultValue `TCP` */
  readonly protocol?: Peer['protocol']
}

/** Where the API server is only the cluster knows. */
function registryServers(registry: Subject['service']['registry']): readonly Declared[] {
  const { name = '', connectsTo } = registry ?? {}
  if (connectsTo === undefined || name === 'kubernetes') return []
  return [{ name: `registry ${name}`.trim(), addresses: connectsTo, protocol: name === 'dns' ? 'UDP' : 'TCP' }]
}

/** Of a Service: `name`, or `name.namespace`. */
function namespaceOf({ manifest }: Subject, { host }: Place): string | undefined {
  const [, namespace = manifest.namespace] = host.split('.')
  return namespace
}

/** A policy sees the port of the pod, and not that of the Service in front of it. */
function targetsOf({ manifests }: Subject, { host, port }: Place): readonly number[] {
  const [name] = host.split('.')
  const service = manifests.find((other) => other.kind === 'Service' && other.name === name)
  const found = service?.root.at('spec', 'ports').items.find((one) => one.at('port').number === port)
  const target = found?.at('targetPort')
  if (!target?.isSet) return [port]
  return target.number === undefined ? [] : [target.number]
}
