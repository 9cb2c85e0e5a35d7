import type { ServiceDescription } from '@tenon/core'

/** What the manifests of a service are made from. */
export interface ManifestInput {
  /** As it is with the settings of each overlay; at least one. */
  readonly overlays: readonly OverlayInput[]
  readonly options: ManifestOptions
}

/** One place where the service runs. */
export interface OverlayInput {
  /** Name of its folder. */
  readonly name: string
  /** Of the service with the overlay's settings. */
  readonly description: ServiceDescription
  /** The variables that its `config.env` sets. */
  readonly config: Readonly<Record<string, string>>
  /** Those that its `secret.env.example` sets, with made-up values. */
  readonly secrets: Readonly<Record<string, string>>
}

/** What the command was told. */
export interface ManifestOptions {
  /** With tag. @defaultValue the service's name and version */
  readonly image?: string | undefined
  /** Name of the whole that the service is a part of. */
  readonly partOf?: string | undefined
  readonly replicas: ReplicaRange
  /** Settings by variable: new files of an overlay begin with them. @defaultValue none */
  readonly given?: Readonly<Record<string, string>>
  /** Where a page for Prometheus is served, for a ServiceMonitor; absent for none. */
  readonly metricsPort?: number | undefined
}

/** Both ends belong to it. */
export interface ReplicaRange {
  readonly min: number
  readonly max: number
}
