import type { Instance, WatchOptions } from '@tenon/core/registry'
import type { AgentSettings } from './agent/agent-options.ts'
import type { ConsulAgent } from './agent/consul-agent.ts'
import { followIndex } from './agent/follow-index.ts'
import { followNewest } from './agent/follow-newest.ts'
import { InstanceList } from './instance-list.ts'

export interface WatchParts {
  readonly agent: ConsulAgent
  readonly settings: AgentSettings
}

/** Every list of instances of a name, until the signal fires. */
export function watchInstances(
  name: string,
  { signal, onTrouble }: WatchOptions,
  { agent, settings }: WatchParts,
): AsyncGenerator<readonly Instance[]> {
  const { datacenter: dc, consistency, cached, waitMs } = settings
  const instances = new InstanceList(name)
  const mode = { dc, stale: consistency === 'stale' ? '' : undefined, cached: cached ? '' : undefined }
  const request = {
    path: `health/service/${encodeURIComponent(name)}`,
    purpose: `for the instances of ${name} (it needs service:read on ${name} and node:read)`,
  }
  // No instance has an empty id: nothing but the index comes.
  const nothing = { ...mode, filter: 'Service.ID == ""' }
  return followNewest<readonly Instance[]>({
    signal,
    onTrouble,
    async follow(put, one) {
      // After an outage the list is given again, changed or not.
      let shown: readonly Instance[] | undefined
      await followIndex(
        {
          list: (cut) => agent.ask({ ...request, query: mode, signal: cut }),
          bell: (index, cut) =>
            agent.ask({ ...request, query: { ...nothing, index: String(index) }, waitMs, signal: cut }),
          show({ text, isFiltered, isDenied }) {
            const { snapshot, problems } = instances.read(text)
            for (const problem of problems)
              onTrouble?.(new Error(`an instance of ${name} in Consul is left out: ${problem}`))
            // A token that was taken its rights must not empty the list.
            if (isFiltered && snapshot.length === 0) throw new Error(hidden(name))
            if (isFiltered || (isDenied && snapshot.length === 0)) onTrouble?.(new Error(hidden(name)))
            if (snapshot !== shown) put(snapshot)
            shown = snapshot
          },
        },
        one,
      )
    },
  })
}

function hidden(name: string): string {
  return `Consul hides instances of ${name}, or may: give the token service:read on ${name} and node:read on the nodes where they run`
}
