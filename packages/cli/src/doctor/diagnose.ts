import type { ServiceDescription } from '@tenon/core'
import type { Finding } from './finding.ts'
import { environmentOf, type ContainerEnvironment } from './manifest/container-environment.ts'
import type { Manifest } from './manifest/manifest.ts'
import { type Workload, workloadsOf } from './manifest/workload.ts'
import { rules as allRules } from './rules.ts'
import { subjectOf } from './subject.ts'

/** What a manifest is compared with: the service as it is with the variables of the pod. */
export type Describe = (environment: Readonly<Record<string, string>>) => Promise<ServiceDescription>

export interface DiagnosisOptions {
  readonly describe: Describe
  readonly manifests: readonly Manifest[]
  /** The container of the service. @defaultValue found by its name, or that of its image */
  readonly containerName?: string | undefined
  /** What the image is known to set. */
  readonly imageVariables?: ReadonlyMap<string, string>
  readonly rules?: typeof allRules
}

/** What was looked at, and found. */
export interface Diagnosis {
  readonly service: string
  /** `Deployment/user` */
  readonly workloads: readonly string[]
  readonly findings: readonly Finding[]
}

/**
 * Compares manifests with the code of a service.
 *
 * @throws WorkloadError where none of them runs the service
 */
export async function diagnose({
  describe,
  manifests,
  containerName,
  imageVariables = new Map(),
  rules = allRules,
}: DiagnosisOptions): Promise<Diagnosis> {
  const { name } = await describe({})
  const workloads = workloadsOf(name, manifests, containerName)
  const findings: Finding[] = []
  for (const workload of workloads) {
    const environment = environmentOf({ ...workload, workload: workload.manifest, manifests, imageVariables })
    const service = await describe(knownValues(environment))
    const subject = subjectOf({ workload, service, environment, manifests })
    for (const { id, severity, find } of rules)
      for (const { at, message, fix } of find(subject))
        findings.push({ rule: id, severity, object: at.object, path: at.path, message, fix })
  }
  return { service: name, workloads: workloads.map(objectOf), findings: distinct(findings) }
}

/** What the service refuses to be described with is left to rules, and so are folders that only the pod has. */
const leftOut: ReadonlySet<string> = new Set(['TENON_KILL_DELAY_MS', 'TENON_CONFIG_DIR'])

/** The host is the one that servers in a pod need, unless another was written: a listener that still has its own got it from the code. */
function knownValues({ variables }: ContainerEnvironment): Readonly<Record<string, string>> {
  const known = Array.from(variables).flatMap(([name, { value }]) =>
    value === undefined || leftOut.has(name) ? [] : [[name, value] as const],
  )
  return { TENON_HOST: '0.0.0.0', NODE_ENV: 'production', ...Object.fromEntries(known) }
}

function objectOf({ manifest }: Workload): string {
  return manifest.root.object
}

/** What two workloads share, such as a Service, is told once. */
function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()]
}
