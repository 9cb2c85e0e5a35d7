import type { ServiceDescription } from '@tenon/core'
import { FaultError } from '../../command/command.ts'
import { tagOf } from '../version-tag.ts'
import type { ManifestOptions } from './manifest-input.ts'

/** What the objects of a service are called in the cluster, and by which labels they are known. */
export interface Names {
  /** Of Deployment, ServiceAccount, disruption budget, autoscaler, network policy, and of the Service of all there is to reach. */
  readonly service: string
  readonly grpcService: string
  readonly metricsService: string
  readonly configMap: string
  readonly secret: string
  /** By which pods are found; they never change. */
  readonly selector: Readonly<Record<string, string>>
  /** On every object. */
  readonly labels: Readonly<Record<string, string>>
}

/** @throws FaultError for a service whose name is no name of a Kubernetes Service, with room for what stands behind it */
export function namesOf({ name, version }: ServiceDescription, { partOf }: Pick<ManifestOptions, 'partOf'>): Names {
  if (!/^[a-z]([a-z0-9-]{0,53}[a-z0-9])?$/.test(name))
    throw new FaultError(
      `the service's name "${name}" names nothing in Kubernetes: it takes 55 letters at most, the last one no hyphen`,
    )
  const selector = { 'app.kubernetes.io/name': name }
  return {
    service: name,
    grpcService: `${name}${grpcSuffix}`,
    metricsService: `${name}-metrics`,
    configMap: `${name}-config`,
    secret: `${name}-secret`,
    selector,
    labels: {
      ...selector,
      'app.kubernetes.io/version': tagOf(version),
      'app.kubernetes.io/managed-by': 'tenon',
      ...(partOf === undefined ? {} : { 'app.kubernetes.io/part-of': partOf }),
    },
  }
}

export const grpcSuffix = '-grpc'
