import type { Fault, Rule } from '../finding.ts'
import { isGrpc, type Listener, portsText } from '../listener.ts'
import type { Field } from '../manifest/field.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { isInMesh } from '../mesh.ts'
import { isOfOther, portOf } from '../probe.ts'
import { hasFreePort, leadsTo, listenerAt, type Subject } from '../subject.ts'

const containerPort: Rule = {
  id: 'container-port-unknown',
  severity: 'warning',
  find: (subject) => {
    if (hasFreePort(subject)) return []
    return subject.container.at('ports').items.flatMap((port): readonly Fault[] => {
      const at = port.at('containerPort')
      if (at.number === undefined || listenerAt(subject, at.number) !== undefined) return []
      const message = `nobody listens on port ${at.number}: the service listens on ${portsText(subject.listeners) || 'none'}`
      return [{ at, message, fix: 'name a port of the service, or leave this one out' }]
    })
  },
}

const targetPort: Rule = {
  id: 'target-port-unknown',
  severity: 'error',
  find: (subject) => {
    if (hasFreePort(subject)) return []
    return servicePorts(subject).flatMap(({ at, target, number, isOfOther }): readonly Fault[] => {
      if (isOfOther || listenerAt(subject, number) !== undefined) return []
      const found =
        number === undefined
          ? `the name "${target}", which no container gives a port`
          : `port ${number}, where nobody listens`
      return [
        {
          at,
          message: `the Service leads to ${found}: the service listens on ${portsText(subject.listeners) || 'none'}`,
          fix: `targetPort: ${subject.listeners.find(({ hasCallers }) => hasCallers)?.port ?? 'a port of the service'}`,
        },
      ]
    })
  },
}

const appProtocol: Rule = {
  id: 'grpc-without-app-protocol',
  severity: 'warning',
  find: (subject) =>
    grpcPorts(subject)
      .filter(({ port }) => !port.at('appProtocol').isSet)
      .map(({ port, listener }) => ({
        at: port.at('appProtocol'),
        message: `nothing says that port ${listener.port} speaks gRPC: gateways and meshes take it for bytes or HTTP/1`,
        fix: 'appProtocol: grpc',
      })),
}

const headless: Rule = {
  id: 'grpc-not-headless',
  severity: 'warning',
  find: (subject) => {
    if (isInMesh(subject)) return []
    const ports = grpcPorts(subject)
    const reached = ports.filter(({ manifest }) => isHeadless(manifest)).map(({ listener }) => listener.port)
    return ports
      .filter(
        ({ manifest, listener }) => isInternal(manifest) && !isHeadless(manifest) && !reached.includes(listener.port),
      )
      .map(({ manifest, listener }) => ({
        at: manifest.root.at('spec', 'clusterIP'),
        message: `gRPC keeps one connection for all calls, and a Service with an address of its own leads it to one pod: the others of port ${listener.port} get no calls`,
        fix: 'clusterIP: None, in a Service of its own for gRPC',
      }))
  },
}

const selectsNothing: Rule = {
  id: 'service-selects-nothing',
  severity: 'error',
  find: (subject) =>
    subject.manifests
      .filter((other) => other.kind === 'Service' && isMeantFor(other, subject) && !leadsToAny(other, subject))
      .map(({ root }) => ({
        at: root.at('spec', 'selector'),
        message: `the selector ${pairs(root.at('spec', 'selector').labels)} fits no pod: those of ${subject.manifest.root.object} have ${pairs(subject.podLabels)}`,
        fix: `selector: { ${closest(root.at('spec', 'selector'), subject)} }`,
      })),
}

const selectorMismatch: Rule = {
  id: 'selector-mismatch',
  severity: 'error',
  find: ({ manifest, podLabels }) => {
    const selector = manifest.root.at('spec', 'selector', 'matchLabels')
    const strays = Array.from(selector.labels).filter(([name, value]) => podLabels.get(name) !== value)
    if (strays.length === 0) return []
    const message = `the selector asks for ${pairs(new Map(strays))}, which the labels of the template do not have: the API server refuses it`
    return [{ at: selector, message, fix: 'give selector.matchLabels and template.metadata.labels the same pairs' }]
  },
}

export const portRules: readonly Rule[] = [
  containerPort,
  targetPort,
  appProtocol,
  headless,
  selectsNothing,
  selectorMismatch,
]

interface ServicePort {
  readonly manifest: Manifest
  readonly port: Field
  /** Where its target was written; the port itself where it is the same. */
  readonly at: Field
  readonly target: string | undefined
  /** In the pod. */
  readonly number: number | undefined
  /** Whether another container of the pod has it, such as a proxy. */
  readonly isOfOther: boolean
}

/** The ports of all Services that lead to the pods. */
export function servicePorts(subject: Subject): readonly ServicePort[] {
  return subject.services.flatMap((manifest) =>
    manifest.root.at('spec', 'ports').items.map((port) => {
      const at = port.at('targetPort').isSet ? port.at('targetPort') : port.at('port')
      const number = portOf(subject, at)
      return { manifest, port, at, target: at.shown, number, isOfOther: isOfOther(subject, at) }
    }),
  )
}

function grpcPorts(subject: Subject): readonly (ServicePort & { readonly listener: Listener })[] {
  return servicePorts(subject).flatMap((port) => {
    const listener = listenerAt(subject, port.number)
    return listener && isGrpc(listener) ? [{ ...port, listener }] : []
  })
}

function isHeadless({ root }: Manifest): boolean {
  return root.at('spec', 'clusterIP').text === 'None'
}

/** Who comes from outside comes through a load balancer, of which nothing is known here. */
function isInternal({ root }: Manifest): boolean {
  return [undefined, 'ClusterIP'].includes(root.at('spec', 'type').text)
}

const suffixes = ['', '-grpc', '-http', '-headless', '-svc', '-service']

/** Labels that say what pods are. Others, such as `app.kubernetes.io/part-of`, are those of many. */
const identities = ['app.kubernetes.io/name', 'app.kubernetes.io/component', 'app', 'component']

/** By its name, or by leading to a port of the service and naming nothing else than its pods. */
function isMeantFor(service: Manifest, subject: Subject): boolean {
  const selector = service.root.at('spec', 'selector').labels
  if (selector.size === 0) return false
  const { name } = subject.manifest
  if (suffixes.some((suffix) => service.name === name + suffix)) return true
  const named = identities.filter((key) => selector.has(key))
  return (
    named.length > 0 &&
    named.every((key) => subject.podLabels.get(key) === selector.get(key)) &&
    service.root.at('spec', 'ports').items.some((port) => {
      const target = port.at('targetPort').isSet ? port.at('targetPort') : port.at('port')
      return listenerAt(subject, portOf(subject, target)) !== undefined
    })
  )
}

function leadsToAny(service: Manifest, { manifests }: Subject): boolean {
  return manifests.some(({ kind, root }) => {
    const labels = kind === 'Pod' ? root.at('metadata', 'labels') : root.at('spec', 'template', 'metadata', 'labels')
    return labels.isSet && leadsTo(service, labels.labels)
  })
}

/** The selector with the values that the pods have. */
function closest(selector: Field, { podLabels }: Subject): string {
  const shared = Array.from(selector.labels.keys()).filter((name) => podLabels.has(name))
  const names = shared.length > 0 ? shared : [...podLabels.keys()].slice(0, 1)
  return names.map((name) => `${name}: ${podLabels.get(name)}`).join(', ')
}

function pairs(labels: ReadonlyMap<string, string>): string {
  return Array.from(labels, ([name, value]) => `${name}=${value}`).join(', ') || 'no labels'
}
