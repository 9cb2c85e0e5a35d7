import { type Discovery, type Instance, Newest, type WatchOptions } from '@tenon/core/registry'
import type { ClusterAccess } from './access/cluster-access.ts'
import { openAccess, peerOf } from './access/open-access.ts'
import type { Pulse } from './api/api-link.ts'
import { KubernetesApi } from './kubernetes-api.ts'
import { toQuery } from './kubernetes-name.ts'
import {
  type KubernetesRegistryOptions,
  type KubernetesSettings,
  resolveKubernetesOptions,
} from './kubernetes-options.ts'
import { followSlices } from './slice/follow-slices.ts'
import { SliceSet } from './slice/slice-set.ts'

/** Finds instances; Kubernetes announces them by itself. */
export interface KubernetesRegistry extends Discovery {
  readonly name: string
  /** `host:port` of the API server. */
  readonly connectsTo: readonly string[]
  /** Releases its connections, when every watch has ended. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Finds the pods of Services by their EndpointSlices, which the API server tells as soon as they change. `registry:///user` is Service `user`
 * of the own namespace, `registry:///user.shop` that of namespace `shop`.
 *
 * A pod counts when it is ready; one that is ending and still takes calls is `draining`. Its account needs the verbs list and watch of
 * `endpointslices`. A connection on which nothing arrives is noticed within 8 s.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range`
 */
export function kubernetesRegistry(options: KubernetesRegistryOptions = {}): KubernetesRegistry {
  const settings = resolveKubernetesOptions(options)
  return openRegistry(settings, {
    connectsTo: [peerOf(settings, process.env)],
    openAccess: () => openAccess(settings, process.env),
  })
}

export interface RegistryParts {
  readonly connectsTo: readonly string[]
  readonly openAccess: () => Promise<ClusterAccess>
  readonly pulse?: Pulse
}

/** The registry over any way to an API server. */
export function openRegistry(
  settings: KubernetesSettings,
  { connectsTo, ...parts }: RegistryParts,
): KubernetesRegistry {
  const api = new KubernetesApi(parts)
  return {
    name: 'kubernetes',
    connectsTo,
    watch: (name, options) => watchService({ api, settings, name }, options),
    close: () => api.close(),
  }
}

interface Watched {
  readonly api: KubernetesApi
  readonly settings: KubernetesSettings
  readonly name: string
}

async function* watchService(
  { api, settings, name }: Watched,
  { signal, onTrouble }: WatchOptions,
): AsyncGenerator<readonly Instance[]> {
  const snapshots = new Newest<readonly Instance[]>()
  const left = new AbortController()
  const query = toQuery(name, settings.namespace)
  const following = query
    ? followSlices({
        api,
        query,
        set: new SliceSet({ name, settings, onTrouble }),
        signal: AbortSignal.any([signal, left.signal]),
        onTrouble,
        show: (snapshot) => snapshots.put(snapshot),
      })
    : undefined
  if (!query) {
    onTrouble?.(
      new Error(
        `${JSON.stringify(name)} is no name of a Service: expected one such as user, or user.shop for namespace shop`,
      ),
    )
    snapshots.put([])
  }
  try {
    yield* snapshots.read(signal)
  } finally {
    left.abort()
    await following
  }
}
