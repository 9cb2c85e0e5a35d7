import type { Subject } from '../subject.ts'

/** A server that the service connects to. */
export interface Peer {
  /** What connects to it: a remote, a transport, a provider. */
  readonly name: string
  readonly host: string
  /** Where it listens: one, or those behind the Service of that name. */
  readonly ports: readonly number[]
}

/** The servers that the service declares, as far as its settings tell; none on the pod itself. */
export function peersOf(subject: Subject): readonly Peer[] {
  const { remotes, transports, providers } = subject.service
  const declared = [
    ...remotes.map(({ contract, address }) => ({ name: contract, places: placesOf(address) })),
    ...transports.map(({ name, connectsTo = [] }) => ({ name, places: connectsTo })),
    ...providers.map(({ name, connectsTo = [] }) => ({ name, places: connectsTo })),
  ]
  return declared
    .flatMap(({ name, places }) => places.map((place) => ({ name, ...splitPlace(place) })))
    .filter(({ host, port }) => port > 0 && !/^(localhost|127\..*|\[::1\])$/.test(host))
    .map(({ name, host, port }) => ({ name, host, ports: targetsOf(subject, host, port) }))
}

/** The servers of an address such as `static:///host:port,host:port`; those of a registry are not known before. */
function placesOf(address: string): readonly string[] {
  const [, list = ''] = /^static:\/\/\/(.+)$/.exec(address) ?? []
  return list.split(',').filter((place) => place !== '')
}

function splitPlace(place: string): { readonly host: string; readonly port: number } {
  const [, host = place, port = '0'] = /^(.*):(\d+)$/.exec(place) ?? []
  return { host, port: Number(port) }
}

/** A policy sees the port of the pod, and not that of the Service in front of it. */
function targetsOf({ manifests }: Subject, host: string, port: number): readonly number[] {
  const [name] = host.split('.')
  const service = manifests.find((other) => other.kind === 'Service' && other.name === name)
  const found = service?.root.at('spec', 'ports').items.find((one) => one.at('port').number === port)
  const target = found?.at('targetPort').number
  return target === undefined ? [port] : [target]
}
