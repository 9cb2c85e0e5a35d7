import type { Instance, WatchOptions } from '@tenon/core/registry'
import type { AgentSettings } from './agent/agent-options.ts'
import type { ConsulAgent } from './agent/consul-agent.ts'
import { followIndex } from './agent/follow-index.ts'
import { followNewest } from './agent/follow-newest.ts'
import { InstanceList } from './instance-list.ts'
import { LastingProblems } from './lasting-problems.ts'

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
  const lasting = new LastingProblems()
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
    follow: (give, one) =>
      followIndex(
        {
          list: (cut) => agent.ask({ ...request, query: mode, signal: cut }),
          bell: (index, cut) =>
            agent.ask({ ...request, query: { ...nothing, index: String(index) }, waitMs, signal: cut }),
          show({ text, isFiltered, isDenied }) {
            const { snapshot, problems } = instances.read(text)
            // A token that was taken its rights must not empty the list.
            if (isFiltered && snapshot.length === 0) throw new Error(hidden(name))
            const isHidden = isFiltered || (isDenied && snapshot.length === 0)
            const leftOut = problems.map((problem) => `an instance of ${name} in Consul is left out: ${problem}`)
            const { fresh, isOther } = lasting.take(isHidden ? [...leftOut, hidden(name)] : leftOut)
            for (const problem of fresh) onTrouble?.(new Error(problem))
            // What is wrong with a part is told of as an outage is; the rest is in force.
            give(snapshot, isOther)
          },
        },
        one,
      ),
  })
}

function hidden(name: string): string {
  return `Consul hides instances of ${name}, or may: give the token service:read on ${name} and node:read on the nodes where they run`
}
