import type { ServiceDescription } from '@tenon/core'
import type { Finding } from './finding.ts'
import { environmentOf, type ContainerEnvironment } from './manifest/container-environment.ts'
import type { Manifest } from './manifest/manifest.ts'
import { type Workload, type WorkloadSearch, workloadsOf } from './manifest/workload.ts'
import { rules as allRules } from './rules.ts'
import { subjectOf } from './subject.ts'

/** Tells what the service is with the variables of a pod. Unless they name a host, servers listen on 0.0.0.0: one that does not has another one in the code. */
export type Describe = (environment: Readonly<Record<string, string>>) => Promise<ServiceDescription>

export interface DiagnosisOptions extends WorkloadSearch {
  readonly describe: Describe
  readonly manifests: readonly Manifest[]
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
 * @throws UsageError where none of them runs the service
 */
export async function diagnose(options: DiagnosisOptions): Promise<Diagnosis> {
  const { describe, manifests, imageVariables = new Map(), rules = allRules } = options
  const plain = await describe({})
  const { name, settings } = plain
  const workloads = workloadsOf(name, manifests, options)
  const findings: Finding[] = []
  for (const workload of workloads) {
    const environment = environmentOf({ ...workload, workload: workload.manifest, manifests, imageVariables })
    const known = knownValues(environment, settings)
    const service = Object.keys(known).length === 0 ? plain : await describe(known)
    const subject = subjectOf({ workload, service, environment, manifests })
    for (const { id, severity, find } of rules)
      for (const { at, message, fix } of find(subject))
        findings.push({ rule: id, severity, object: at.object, path: at.path, message, fix })
  }
  return { service: name, workloads: workloads.map(objectOf), findings: distinct(findings) }
}

/**
 * The variables that the service reads, but for a host that it is described with anyway: others, such as NODE_OPTIONS, are for
 * processes of the pod.
 */
function knownValues(
  { variables }: ContainerEnvironment,
  settings: ServiceDescription['settings'],
): Readonly<Record<string, string>> {
  const names = ['TENON_HOST', ...settings.map(({ variable }) => variable)]
  const known = names.flatMap((name) => {
    const value = variables.get(name)?.value
    const isUsual = name === 'TENON_HOST' && value === usualHost
    return value === undefined || isUsual ? [] : [[name, value] as const]
  })
  return Object.fromEntries(known)
}

/** Where the servers of a service are described to listen when nothing says otherwise. */
const usualHost = '0.0.0.0'

function objectOf({ manifest }: Workload): string {
  return manifest.root.object
}

/** What two workloads share, such as a Service, is told once. */
function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()]
}
