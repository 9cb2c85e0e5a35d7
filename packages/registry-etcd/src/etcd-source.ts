import { type ConfigSource, type ConfigTexts, Newest } from '@tenon/core/registry'
import { EtcdApi } from './api/etcd-api.ts'
import { type EtcdSourceOptions, resolveEtcdSource } from './etcd-options.ts'
import { followKeys, withPrefix } from './follow-keys.ts'
import { KeyTexts } from './key-texts.ts'

/**
 * Settings from the keys of etcd below a prefix: what follows it is the name of a variable, and the value is its text. Every change is told,
 * and a key that is deleted is not set any more. A value that is no UTF-8 leaves the text that was there, and is told once.
 *
 * @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once.
 */
export function etcdSource(options: EtcdSourceOptions): ConfigSource {
  const settings = resolveEtcdSource(options)
  const { prefix } = settings
  const api = new EtcdApi(settings)
  return Object.freeze({
    name: `etcd ${prefix}`,
    connectsTo: settings.endpoints.map(({ address }) => address),
    async *watch({ signal, variables, onTrouble }) {
      const left = new AbortController()
      const newest = new Newest<ConfigTexts>()
      const texts = new KeyTexts({ prefix, variables, onTrouble })
      const following = followKeys({
        api,
        keys: withPrefix(prefix),
        signal: AbortSignal.any([signal, left.signal]),
        onTrouble,
        onList: (all) => {
          texts.replace(all)
          newest.put(texts.snapshot())
        },
        onChange: (changes) => {
          if (texts.change(changes)) newest.put(texts.snapshot())
        },
      })
      try {
        yield* newest.read(signal)
      } finally {
        left.abort()
        await following
      }
    },
    close: async () => api.close(),
  } satisfies ConfigSource)
}
