import type { ServiceDescription } from '@tenon/core'
import { type Listener, listenersOf } from './listener.ts'
import type { ContainerEnvironment } from './manifest/container-environment.ts'
import type { Field } from './manifest/field.ts'
import { isBeside, type Manifest } from './manifest/manifest.ts'
import { hasAll, selects } from './manifest/selector.ts'
import type { Workload } from './manifest/workload.ts'

/** A workload beside the service that it runs: what rules look at. */
export interface Subject extends Workload {
  readonly service: ServiceDescription
  readonly environment: ContainerEnvironment
  readonly listeners: readonly Listener[]
  readonly podLabels: ReadonlyMap<string, string>
  /** The objects that are at hand, of its namespace. */
  readonly manifests: readonly Manifest[]
  /** The HorizontalPodAutoscalers that scale it. */
  readonly autoscalers: readonly Manifest[]
  /** The Services that lead to it. */
  readonly services: readonly Manifest[]
  /** How many pods there are at the least; undefined where that is one for each node, or left to who scales them. */
  readonly replicaCount: number | undefined
}

interface SubjectParts {
  readonly workload: Workload
  readonly service: ServiceDescription
  readonly environment: ContainerEnvironment
  readonly manifests: readonly Manifest[]
}

export function subjectOf({ workload, service, environment, manifests }: SubjectParts): Subject {
  const { manifest } = workload
  const podLabels = manifest.root.at('spec', 'template', 'metadata', 'labels').labels
  const around = manifests.filter((other) => isBeside(other, manifest))
  const autoscalers = around.filter(({ kind, root }) => {
    const target = root.at('spec', 'scaleTargetRef')
    return (
      kind === 'HorizontalPodAutoscaler' &&
      target.at('kind').text === manifest.kind &&
      target.at('name').text === manifest.name
    )
  })
  return {
    ...workload,
    service,
    environment,
    podLabels,
    manifests: around,
    autoscalers,
    listeners: listenersOf(service),
    services: around.filter((other) => other.kind === 'Service' && leadsTo(other, podLabels)),
    replicaCount: replicaCountOf(manifest, autoscalers),
  }
}

/** Whether a Service selects pods with these labels; one without selector selects none. */
export function leadsTo({ root }: Manifest, labels: ReadonlyMap<string, string>): boolean {
  const selector = root.at('spec', 'selector')
  return selector.entries.size > 0 && hasAll(labels, selector)
}

/** The objects of a kind whose selector, where that kind has it, fits the pods. */
export function selecting(subject: Subject, kind: string, selector: 'selector' | 'podSelector'): readonly Manifest[] {
  return subject.manifests.filter((other) => {
    const field = other.root.at('spec', selector)
    return other.kind === kind && field.isSet && selects(field, subject.podLabels)
  })
}

/** The listener of a port; undefined where nobody listens. */
export function listenerAt({ listeners }: Subject, port: number | undefined): Listener | undefined {
  return listeners.find((listener) => listener.port === port)
}

/** The port that answers probes over HTTP: that of the admin server where there is one. */
export function probePort({ listeners }: Subject): number | undefined {
  return listeners.find(({ probes }) => Object.keys(probes).length > 0)?.port
}

/** Whether the service takes a port that nobody can know. */
export function hasFreePort({ listeners }: Subject): boolean {
  return listeners.some(({ port }) => port === 0)
}

/** Whether anybody calls the service over the network. */
export function hasCallers({ listeners }: Subject): boolean {
  return listeners.some((listener) => listener.hasCallers)
}

/** A field of the workload's own specification. */
export function specOf({ manifest }: Subject, ...names: readonly string[]): Field {
  return manifest.root.at('spec', ...names)
}

function replicaCountOf({ kind, root }: Manifest, [autoscaler]: readonly Manifest[]): number | undefined {
  if (kind === 'DaemonSet') return undefined
  if (autoscaler !== undefined) return autoscaler.root.at('spec', 'minReplicas').number ?? 1
  return root.at('spec', 'replicas').number
}
