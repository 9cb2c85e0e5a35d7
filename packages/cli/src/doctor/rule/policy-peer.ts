import { BlockList, isIP } from 'node:net'
import type { Field } from '../manifest/field.ts'
import type { Peer } from './peer.ts'

type Server = Pick<Peer, 'host' | 'namespace'>

/**
 * Whether an entry of `to` may hold a server. A name may have any address, and pods have addresses that are not known here; nor are
 * labels known that give no name.
 */
export function mayBe(entry: Field, server: Server): boolean {
  const family = isIP(server.host)
  const block = entry.at('ipBlock')
  if (block.isSet) return family === 0 || isWithin(server.host, block)
  if (family > 0) return true
  const [pod, namespace] = [entry.at('podSelector'), entry.at('namespaceSelector')]
  return (
    (!asksForName(pod) || isPodCalled(pod, server)) &&
    (!asksForName(namespace) || server.namespace === undefined || isNamespaceCalled(namespace, server))
  )
}

/** Whether an entry of `to` asks for pods, or for all of a namespace, that are called as a server is. */
export function isCalled(entry: Field, server: Server): boolean {
  const pod = entry.at('podSelector')
  return isPodCalled(pod, server) || (!pod.isSet && isNamespaceCalled(entry.at('namespaceSelector'), server))
}

/** Whether `to` may hold the servers of DNS, which are hardly ever in the namespace of a policy: `podSelector` alone finds nobody elsewhere. */
export function mayBeDns(to: readonly Field[]): boolean {
  return to.length === 0 || to.some((entry) => entry.at('namespaceSelector').isSet || entry.at('ipBlock').isSet)
}

function isPodCalled(selector: Field, { host }: Server): boolean {
  const [name = ''] = host.split('.')
  return wantedLabels(selector).some(([, value]) => name === value || name.startsWith(`${value}-`))
}

function isNamespaceCalled(selector: Field, { namespace }: Server): boolean {
  return wantedLabels(selector).some(([, value]) => value === namespace)
}

/** Labels that by convention name what they are put on. @see Kubernetes documentation, recommended labels, and well-known labels */
const names = new Set(['app.kubernetes.io/name', 'kubernetes.io/metadata.name', 'app', 'k8s-app', 'name'])

function asksForName(selector: Field): boolean {
  return wantedLabels(selector).some(([key]) => names.has(key))
}

/** The labels that a selector asks for, each with one of the values that it may have. */
function wantedLabels(selector: Field): readonly (readonly [key: string, value: string | undefined])[] {
  const expressions = selector.at('matchExpressions').items.filter((one) => one.at('operator').text === 'In')
  const values = expressions.flatMap((one) =>
    one.at('values').items.map((value) => [one.at('key').text ?? '', value.shown] as const),
  )
  return [...selector.at('matchLabels').labels, ...values]
}

function isWithin(address: string, block: Field): boolean {
  return isIn(address, block.at('cidr')) && !block.at('except').items.some((one) => isIn(address, one))
}

function isIn(address: string, cidr: Field): boolean {
  const [network = '', length] = cidr.text?.split('/') ?? []
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
  const range = new BlockList()
  try {
    range.addSubnet(network, Number(length), family)
  } catch {
    return false
  }
  return range.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
