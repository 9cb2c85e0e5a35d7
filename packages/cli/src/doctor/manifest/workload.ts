import { UsageError } from '../../command/command.ts'
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

const kinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet'])

/** How to find them. */
export interface WorkloadSearch {
  /** The container of the service, in the workloads that run it. @defaultValue found by its name, or that of its image */
  readonly containerName?: string | undefined
  /** The workload that runs it: `user`, or `Deployment/user`. @defaultValue found by the container and by names */
  readonly workloadName?: string | undefined
  /** Whether they are those of a cluster, where the only one may be anybody's. */
  readonly isLive: boolean
}

/**
 * The workloads that run a service: those that are named, else by the name of a container, else that of an image, else their own, else a label, else
 * the one that has the container which is named; of files also the only one there is.
 *
 * @throws UsageError where there is none, or no telling which
 */
export function workloadsOf(
  service: string,
  manifests: readonly Manifest[],
  search: WorkloadSearch,
): readonly Workload[] {
  const workloads = manifests.filter(({ kind }) => kinds.has(kind))
  const { containerName = service } = search
  if (workloads.length === 0) throw new UsageError('found no Deployment, StatefulSet or DaemonSet')
  return chosen(service, workloads, search).map((manifest) => {
    const pod = podOf(manifest)
    return { manifest, pod, container: containerOf(manifest, service, containerName) }
  })
}

function chosen(service: string, workloads: readonly Manifest[], search: WorkloadSearch): readonly Manifest[] {
  const { workloadName, containerName, isLive } = search
  if (workloadName !== undefined) {
    const named = workloads.filter(({ name, root }) => [name, root.object].includes(workloadName))
    if (named.length > 0) return named
    throw new UsageError(`there is no workload ${workloadName} among ${objects(workloads)}`)
  }
  const marked = marks.map((fits) => workloads.filter((one) => fits(one, service))).find((some) => some.length > 0)
  if (marked !== undefined) return marked
  const having = workloads.filter((one) => containerName !== undefined && hasContainer(one, containerName))
  if (having.length > 1)
    throw new UsageError(
      `${objects(having)} have a container ${containerName}; name the one that runs ${service}: --workload <name>`,
    )
  if (having.length === 1) return having
  if (workloads.length === 1 && !isLive) return workloads
  throw new UsageError(
    `none of ${objects(workloads)} runs ${service}, by the name of a container, an image or its own; name the workload: --workload <name>`,
  )
}

function objects(workloads: readonly Manifest[]): string {
  return workloads.map(({ root }) => root.object).join(', ')
}

function hasContainer(workload: Manifest, containerName: string): boolean {
  return containersOf(workload).some((container) => container.at('name').text === containerName)
}

/** How a workload is known to be the service's, the surest first. */
const marks: readonly ((workload: Manifest, service: string) => boolean)[] = [
  hasContainer,
  (workload, service) => containersOf(workload).some((container) => imageOf(container)?.name === service),
  ({ name }, service) => name === service,
  ({ root }, service) =>
    ['app.kubernetes.io/name', 'app'].some(
      (label) => root.at('spec', 'template', 'metadata', 'labels', label).text === service,
    ),
]

function containerOf(workload: Manifest, service: string, containerName: string): Field {
  const containers = containersOf(workload)
  const named = containers.find((container) => container.at('name').text === containerName)
  const [only, another] = containers
  const found =
    named ??
    containers.find((container) => imageOf(container)?.name === service) ??
    (another === undefined ? only : undefined)
  if (found !== undefined) return found
  const names = containers.map((container) => container.at('name').text).join(', ')
  throw new UsageError(
    `${workload.root.object} has the containers ${names || '(none)'}; name the one of ${service}: --container <name>`,
  )
}

function podOf({ root }: Manifest): Field {
  return root.at('spec', 'template', 'spec')
}

function containersOf(workload: Manifest): readonly Field[] {
  return podOf(workload).at('containers').items
}
