import { type ConfigSource, type ConfigTexts, Newest } from '@tenon/core/registry'
import { EtcdApi } from './api/etcd-api.ts'
import { type EtcdSourceOptions, resolveEtcdSource } from './etcd-options.ts'
import { followKeys, type KeyChange, type KeyText, withPrefix } from './follow-keys.ts'

/**
 * Settings from the keys of etcd with a prefix: what follows it is the name of a variable, and the value is its text. Every change is told,
 * and a key that is deleted is not set any more.
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
      let texts: ConfigTexts = {}
      const apply = (before: ConfigTexts, changes: readonly KeyChange[]) => {
        texts = changed(before, changes, { prefix, variables, onTrouble })
        newest.put(texts)
      }
      const following = followKeys({
        api,
        keys: withPrefix(prefix),
        signal: AbortSignal.any([signal, left.signal]),
        onTrouble,
        onList: (all) => apply(only(texts, all, prefix), all),
        onChange: (changes) => apply(texts, changes),
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

interface Asked {
  readonly prefix: string
  readonly variables: readonly string[]
  readonly onTrouble?: ((error: Error) => void) | undefined
}

/** The texts whose keys are still there. */
function only(texts: ConfigTexts, all: readonly KeyText[], prefix: string): ConfigTexts {
  const variables = new Set(all.map(({ key }) => key.slice(prefix.length)))
  return Object.fromEntries(Object.entries(texts).filter(([variable]) => variables.has(variable)))
}

/** The texts with changes of keys. What is no UTF-8 leaves the text that was there. */
function changed(
  before: ConfigTexts,
  changes: readonly KeyChange[],
  { prefix, variables, onTrouble }: Asked,
): ConfigTexts {
  const texts = new Map(Object.entries(before))
  for (const one of changes) {
    const variable = one.key.slice(prefix.length)
    if (!variables.includes(variable)) continue
    if ('isDeleted' in one) texts.delete(variable)
    else if (one.text === undefined)
      onTrouble?.(new Error(`etcd: the value of ${one.key} is left out, for it is no UTF-8`))
    else texts.set(variable, one.text)
  }
  return Object.freeze(Object.fromEntries(texts))
}
