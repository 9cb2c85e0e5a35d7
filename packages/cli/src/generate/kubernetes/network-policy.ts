import { isIP } from 'node:net'
import { grpcSuffix, type Names } from './names.ts'
import type { Peer } from './peer.ts'
import { noted } from '../yaml-text.ts'
import { isLoopback } from '../loopback.ts'

/** What the policy of an overlay is made from. */
export interface PolicyInput {
  readonly names: Names
  /** Where the pods may be reached, by anybody. */
  readonly ports: readonly number[]
  /** What the pods may connect to, beside DNS. */
  readonly peers: readonly Peer[]
  /** The services that a registry finds, at whatever ports they say. */
  readonly found?: readonly string[]
  /** Whether it looks into the API server. */
  readonly asksApiServer?: boolean
}

/**
 * Lets a service reach the peers that its code declares, and nothing else. Ports are those of pods, which are those of the Services that
 * `tenon generate kubernetes` makes.
 */
export function networkPolicy({ names, ports, peers, found = [], asksApiServer = false }: PolicyInput): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: names.service, labels: names.labels },
    spec: {
      podSelector: { matchLabels: names.selector },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        noted({ ports: ports.map((port) => ({ port })) }, 'its transports and its admin server, from anywhere'),
      ],
      egress: [
        dns(),
        ...peers.filter(({ host }) => !isLoopback(host)).map(rule),
        ...found.map(foundRule),
        ...(asksApiServer ? [apiServer()] : []),
      ],
    },
  }
}

/** @see Kubernetes, DNS for Services: its pods have the label `k8s-app: kube-dns`; node-local-dns answers at 169.254.20.10 */
function dns(): unknown {
  return noted(
    {
      to: [
        {
          namespaceSelector: namespace('kube-system'),
          podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
        },
        { ipBlock: { cidr: '169.254.20.10/32' } },
      ],
      ports: dnsPorts(53),
    },
    'DNS, also by a cache on the node',
  )
}

/** A rule that names no protocol means TCP alone. */
function dnsPorts(port: number): readonly object[] {
  return ['UDP', 'TCP'].map((protocol) => ({ protocol, port }))
}

function rule({ host, port, reasons, isDns }: Peer): unknown {
  const { to, note } = targetOf(host)
  const ports = isDns ? dnsPorts(port) : [{ port }]
  return noted({ ...(to && { to: [to] }), ports }, `${reasons.join(', ')}: ${host}:${port}${note ?? ''}`)
}

/** Its pods, wherever they are and whichever ports they say. */
function foundRule(service: string): unknown {
  const [name = '', within] = service.split('.')
  const to = { ...(within !== undefined && { namespaceSelector: namespace(within) }), podSelector: pods(name) }
  return noted({ to: [to] }, `remote at registry:///${service}`)
}

/** It has no pods that a policy could name, and its address is the cluster's own; 443 is that of its Service, 6443 where it listens. */
function apiServer(): unknown {
  return noted(
    { ports: [{ port: 443 }, { port: 6443 }] },
    'registry kubernetes: the API server, whose address a policy cannot know',
  )
}

interface Target {
  /** Undefined where nothing is known but the port. */
  readonly to?: object
  readonly note?: string
}

/** One word is a Service of the same namespace, `name.namespace.svc` one of another; no other name tells which pods it means. */
function targetOf(host: string): Target {
  const family = isIP(host)
  if (family > 0) return { to: { ipBlock: { cidr: `${host}/${family === 4 ? 32 : 128}` } } }
  if (/^[a-z0-9-]+$/.test(host)) return { to: { podSelector: pods(host) } }
  const [, name, within] = /(?:^|\.)([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\..*)?$/.exec(host) ?? []
  if (name !== undefined && within !== undefined)
    return { to: { namespaceSelector: namespace(within), podSelector: pods(name) } }
  return { note: ', a name from outside of the cluster: a policy knows only its port' }
}

/** A Service says nothing of the labels of its pods: those of Tenon, and of most charts, have its name; gRPC's has a suffix. */
function pods(service: string): object {
  const names = service.endsWith(grpcSuffix) ? [service, service.slice(0, -grpcSuffix.length)] : [service]
  const key = 'app.kubernetes.io/name'
  return names.length === 1
    ? { matchLabels: { [key]: service } }
    : { matchExpressions: [{ key, operator: 'In', values: names }] }
}

function namespace(name: string): object {
  return { matchLabels: { 'kubernetes.io/metadata.name': name } }
}
