import { type Discovery, Newest, type Registrar, type Registry } from '@tenon/core/registry'
import { EtcdApi } from './api/etcd-api.ts'
import { type EtcdRegistryOptions, resolveEtcdRegistry } from './etcd-options.ts'
import { announceInEtcd } from './etcd-registration.ts'
import { toNamePrefix } from './etcd-mapping.ts'
import { followKeys, withPrefix } from './follow-keys.ts'
import { InstanceList } from './instance-list.ts'

/**
 * Announces instances in etcd and finds them there: each is a key under a lease, and whoever watches is told every change.
 *
 * An instance whose process died, or is cut off, disappears within `ttlMs` and a second.
 *
 * @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once.
 */
export function etcdRegistry(options: EtcdRegistryOptions): Registrar & Discovery & Registry {
  const settings = resolveEtcdRegistry(options)
  const { prefix } = settings
  const api = new EtcdApi(settings)
  return Object.freeze({
    name: 'etcd',
    connectsTo: settings.endpoints.map(({ address }) => address),
    announce: (instance, announceOptions) => announceInEtcd({ api, settings }, instance, announceOptions),
    async *watch(name, { signal, onTrouble }) {
      const left = new AbortController()
      const list = new InstanceList({ prefix, name, onTrouble })
      const changed = new Newest<void>()
      const following = followKeys({
        api,
        keys: withPrefix(toNamePrefix(prefix, name)),
        signal: AbortSignal.any([signal, left.signal]),
        onTrouble,
        onList: (all) => changed.put(list.replace(all)),
        onChange: (changes) => {
          if (list.change(changes)) changed.put()
        },
      })
      try {
        for await (const _ of changed.read(signal)) yield list.snapshot()
      } finally {
        left.abort()
        await following
      }
    },
    close: async () => api.close(),
  } satisfies Registrar & Discovery & Registry)
}
