import { lastingContainers } from './manifest/container.ts'
import type { Field } from './manifest/field.ts'
import type { Subject } from './subject.ts'

/**
 * Whether a mesh balances calls, and not connections, for the pods: it is switched on by marks of theirs, or of their namespace
 * unless they leave it. Istio's ambient mode does so in a waypoint only.
 *
 * @see Istio, resource labels; Linkerd, automatic proxy injection
 */
export function isInMesh({ pod, manifest, manifests }: Subject): boolean {
  const template = manifest.root.at('spec', 'template', 'metadata')
  const marks = marksOf(template)
  const isLeft = marks.some(([name, value]) => injections.has(name) && !isOn(value))
  const namespaces = manifests.filter(({ kind, name }) => kind === 'Namespace' && name === (manifest.namespace ?? name))
  return (
    lastingContainers(pod).some((container) => /^(istio|linkerd)-proxy$/.test(container.at('name').text ?? '')) ||
    (!isLeft && [...marks, ...namespaces.flatMap(({ root }) => marksOf(root.at('metadata')))].some(switchesOn))
  )
}

/** What switches injection on, or off. */
const injections = new Set(['istio-injection', 'sidecar.istio.io/inject', 'linkerd.io/inject'])

/** Names of what brings calls through a proxy. */
const proxies = new Set(['istio.io/rev', 'istio.io/use-waypoint'])

function switchesOn([name, value]: readonly [name: string, value: string]): boolean {
  return injections.has(name) ? isOn(value) : proxies.has(name) && !['', 'none'].includes(value)
}

function isOn(value: string): boolean {
  return ['true', 'enabled', 'ingress'].includes(value)
}

/** Labels and annotations. */
function marksOf(metadata: Field): readonly (readonly [name: string, value: string])[] {
  return [...metadata.at('labels').labels, ...metadata.at('annotations').labels]
}
