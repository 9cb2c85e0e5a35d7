import { isIP } from 'node:net'
import type { Fault, Rule } from '../finding.ts'
import type { Field } from '../manifest/field.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { portOf } from '../probe.ts'
import { listenerAt, selecting, type Subject } from '../subject.ts'
import { foundServices } from '../../generate/kubernetes/peer.ts'
import { type Peer, peersOf } from './peer.ts'
import { isCalled, mayBe, mayBeDns } from './policy-peer.ts'
import { servicePorts } from './port.ts'

const peerRefused: Rule = {
  id: 'peer-refused',
  severity: 'error',
  find: (subject) => {
    const egress = restrictionOf(subject, 'egress')
    if (egress === undefined) return []
    return peersOf(subject)
      .filter((peer) => peer.ports.length > 0 && !egress.rules.some((rule) => letsPeer(rule, peer)))
      .map(({ name, host, ports, protocol }) => ({
        at: egress.at,
        message: `no rule lets the service connect to ${isIP(host) === 6 ? `[${host}]` : host}:${ports.join(' or ')}${protocol === 'UDP' ? ' over UDP' : ''}, which ${name} needs`,
        fix: `egress: [{ ports: [${protocol === 'UDP' ? dnsPorts(ports[0]) : `{ port: ${ports[0]} }`}] }], to the pods or addresses of ${host}`,
      }))
  },
}

const dnsRefused: Rule = {
  id: 'dns-refused',
  severity: 'error',
  find: (subject) => {
    const egress = restrictionOf(subject, 'egress')
    const name = peersOf(subject).find(({ host }) => isIP(host) === 0)?.host ?? foundByDns(subject)
    if (
      egress === undefined ||
      name === undefined ||
      egress.rules.some((rule) => mayBeDns(rule.at('to').items) && letsPort(rule, { port: 53, protocol: 'UDP' }))
    )
      return []
    const message = `no rule lets the service ask for names (port 53): ${name} is never found`
    return [
      {
        at: egress.at,
        message,
        fix: `egress: [{ ports: [${dnsPorts(53)}] }]`,
      },
    ]
  },
}

const callersRefused: Rule = {
  id: 'callers-refused',
  severity: 'error',
  find: (subject) => {
    const ingress = restrictionOf(subject, 'ingress')
    if (ingress === undefined) return []
    const numbers = new Set(servicePorts(subject).map(({ number }) => number))
    return [...numbers].flatMap((port): readonly Fault[] => {
      const listener = listenerAt(subject, port)
      if (!listener?.hasCallers) return []
      const wanted: Wanted = { port: listener.port, protocol: 'TCP', read: (field) => portOf(subject, field) }
      if (ingress.rules.some((rule) => letsPort(rule, wanted))) return []
      const message = `no rule lets callers reach port ${listener.port} (${listener.name}), which a Service leads to`
      return [{ at: ingress.at, message, fix: `ingress: [{ ports: [{ port: ${listener.port} }] }]` }]
    })
  },
}

export const networkRules: readonly Rule[] = [peerRefused, dnsRefused, callersRefused]

/** A service that the registry looks for in the DNS of the cluster. */
function foundByDns({ service }: Subject): string | undefined {
  const { registry } = service
  return registry?.name === 'dns' && registry.connectsTo === undefined ? foundServices(service)[0] : undefined
}

function dnsPorts(port: number | undefined): string {
  return `{ port: ${port}, protocol: UDP }, { port: ${port}, protocol: TCP }`
}

interface Restriction {
  /** Of the first policy. */
  readonly at: Field
  /** Of all policies; one is enough. */
  readonly rules: readonly Field[]
}

/** Undefined where no policy restricts the direction. @see Kubernetes documentation, network policies: the two sorts of pod isolation */
function restrictionOf(subject: Subject, direction: 'ingress' | 'egress'): Restriction | undefined {
  const policies = selecting(subject, 'NetworkPolicy', 'podSelector').filter((policy) => restricts(policy, direction))
  const [first] = policies
  if (first === undefined) return undefined
  return {
    at: first.root.at('spec', direction),
    rules: policies.flatMap(({ root }) => root.at('spec', direction).items),
  }
}

function restricts({ root }: Manifest, direction: 'ingress' | 'egress'): boolean {
  const types = root.at('spec', 'policyTypes').items.map(({ text }) => text?.toLowerCase())
  if (types.length > 0) return types.includes(direction)
  return direction === 'ingress' || root.at('spec', 'egress').isSet
}

/**
 * By port, or to pods that are called as the host is, whose port may differ from that of the Service in front of them. A rule without ports lets
 * the service connect to whom it names.
 */
function letsPeer(rule: Field, peer: Peer): boolean {
  const to = rule.at('to').items
  const mayBeOne = to.length === 0 || to.some((one) => mayBe(one, peer))
  if (rule.at('ports').items.length === 0) return mayBeOne
  if (isIP(peer.host) > 0 && !mayBeOne) return false
  const { protocol } = peer
  return peer.ports.some((port) => letsPort(rule, { port, protocol })) || to.some((one) => isCalled(one, peer))
}

interface Wanted {
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  /** Reads the port of a rule that the policy's own pods have, by their names. @defaultValue a name may be any port */
  readonly read?: (field: Field) => number | undefined
}

function letsPort(rule: Field, { port, protocol, read }: Wanted): boolean {
  const ports = rule.at('ports').items
  if (ports.length === 0) return true
  return ports.some((one) => {
    if ((one.at('protocol').text ?? 'TCP') !== protocol) return false
    if (!one.at('port').isSet) return true
    const first = read === undefined ? one.at('port').number : read(one.at('port'))
    // The names of other pods' ports are not known here.
    if (first === undefined) return read === undefined
    return port >= first && port <= (one.at('endPort').number ?? first)
  })
}
