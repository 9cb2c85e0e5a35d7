import { imageOf } from './container.ts'
import type { Field } from './field.ts'
import type { Manifest } from './manifest.ts'

/** A workload with the container that runs the service. */
export interface Workload {
  readonly manifest: Manifest
  /** `spec.template.spec` */
  readonly pod: Field
  readonly container: Field
}

/** Nothing can be said: there is no such workload, or no telling which. The message says what to give. */
export class WorkloadError extends Error {
  override readonly name = 'WorkloadError'
}

const kinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet'])

/**
 * The workloads that run a service: by the name of a container, else that of an image, else their own, else the only one there is.
 *
 * @throws WorkloadError
 */
export function workloadsOf(
  service: string,
  manifests: readonly Manifest[],
  containerName?: string,
): readonly Workload[] {
  const workloads = manifests.filter(({ kind }) => kinds.has(kind))
  if (workloads.length === 0) throw new WorkloadError('found no Deployment, StatefulSet or DaemonSet')
  const found = marks
    .map((fits) => workloads.filter((one) => fits(one, containerName ?? service)))
    .find((some) => some.length > 0)
  const [first, second] = workloads
  const chosen = found ?? (first !== undefined && second === undefined ? [first] : [])
  if (chosen.length === 0) {
    const names = workloads.map(({ root }) => root.object).join(', ')
    throw new WorkloadError(
      `none of ${names} runs ${service}, by the name of a container, an image or its own; name the container: --container <name>`,
    )
  }
  return chosen.map((manifest) => {
    const pod = podOf(manifest)
    return { manifest, pod, container: containerOf(manifest, service, containerName) }
  })
}

/** How a workload is known to be the service's, the surest first. */
const marks: readonly ((workload: Manifest, service: string) => boolean)[] = [
  (workload, service) => containersOf(workload).some((container) => container.at('name').text === service),
  (workload, service) => containersOf(workload).some((container) => imageOf(container)?.name === service),
  ({ name }, service) => name === service,
  ({ root }, service) =>
    ['app.kubernetes.io/name', 'app'].some(
      (label) => root.at('spec', 'template', 'metadata', 'labels', label).text === service,
    ),
]

function containerOf(workload: Manifest, service: string, containerName: string | undefined): Field {
  const containers = containersOf(workload)
  const named = containers.find((container) => container.at('name').text === (containerName ?? service))
  const [only, another] = containers
  const found =
    named ??
    containers.find((container) => imageOf(container)?.name === service) ??
    (another === undefined ? only : undefined)
  if (found !== undefined) return found
  const names = containers.map((container) => container.at('name').text).join(', ')
  throw new WorkloadError(
    `${workload.root.object} has the containers ${names || '(none)'}; name the one of ${service}: --container <name>`,
  )
}

function podOf({ root }: Manifest): Field {
  return root.at('spec', 'template', 'spec')
}

function containersOf(workload: Manifest): readonly Field[] {
  return podOf(workload).at('containers').items
}
