import type { ConfigSource, ConfigTexts, ConfigWatchOptions } from '@tenon/core/registry'
import { ConfigError, optionCheck, type SetupProblem } from '@tenon/core/registry'
import { isRecord, toFound } from '@tenon/core/transport'
import {
  type AgentOptions,
  agentOptionNames,
  type AgentSettings,
  type Environment,
  resolveAgent,
} from './agent/agent-options.ts'
import { type AgentAnswer, ConsulAgent } from './agent/consul-agent.ts'
import { followIndex } from './agent/follow-index.ts'
import { followNewest } from './agent/follow-newest.ts'
import { KeyTexts } from './key-texts.ts'
import { LastingProblems } from './lasting-problems.ts'

export interface ConsulSourceOptions extends Omit<AgentOptions, 'cached'> {
  /** The keys that are read are this, a slash if it has none at its end, and the name of a variable: `config/user/PRICE_LIMIT`. */
  readonly prefix: string
  /**
   * A longer value is left out, and told.
   *
   * @defaultValue 65_536
   * @remarks Range 1–1_048_576
   * @see Consul, kv_max_value_size: 524,288 unless set otherwise
   */
  readonly maxValueBytes?: number
}

/** What is used where an option is left out; the others as for the registry. */
export const consulSourceDefaults = Object.freeze({ maxValueBytes: 65_536 } satisfies Partial<ConsulSourceOptions>)

/**
 * Settings from the key-value store of Consul: each variable is a key below a prefix. A key that is deleted is not set.
 *
 * @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`; all problems at once.
 */
export function consulSource(options: ConsulSourceOptions): ConfigSource {
  return new KeySource(resolveSource(options, process.env))
}

interface SourceSettings {
  readonly prefix: string
  readonly maxValueBytes: number
  readonly agent: AgentSettings
}

class KeySource implements ConfigSource {
  readonly name: string
  readonly connectsTo: readonly string[]
  readonly #settings: SourceSettings
  readonly #agent: ConsulAgent

  constructor(settings: SourceSettings) {
    this.#settings = settings
    this.#agent = new ConsulAgent(settings.agent)
    this.name = `consul ${settings.prefix}`
    this.connectsTo = Object.freeze([settings.agent.origin])
  }

  watch({ signal, variables, onTrouble }: ConfigWatchOptions): AsyncGenerator<ConfigTexts> {
    const texts = new KeyTexts({ ...this.#settings, variables })
    const lasting = new LastingProblems()
    return followNewest<ConfigTexts>({
      signal,
      onTrouble,
      follow: (give, one) =>
        followIndex(
          {
            list: (cut) => this.#ask({ recurse: '' }, { signal: cut }),
            // Names without values: what is waited for in vain is small.
            bell: (index, cut) =>
              this.#ask({ keys: '', index: String(index) }, { signal: cut, waitMs: this.#settings.agent.waitMs }),
            // Removing a tree by a shorter prefix than this one leaves the index as it was.
            isOther: (bell) => texts.hasOtherKeys(listOf(bell)),
            show: (answer) => {
              // A token that was taken its rights must not unset what it has read.
              if (answer.isFiltered) throw new Error(hidden(this.#settings.prefix))
              const read = texts.read(listOf(answer))
              const isHidden = answer.isDenied && answer.status === 404
              const leftOut = read.problems.map((problem) => `${this.name}: ${problem}`)
              const { fresh, isOther } = lasting.take(isHidden ? [...leftOut, hidden(this.#settings.prefix)] : leftOut)
              for (const problem of fresh) onTrouble?.(new Error(problem))
              // What could not be read is told of as an outage is; the rest is in force.
              give(read.texts, isOther)
            },
          },
          one,
        ),
    })
  }

  close(): Promise<void> {
    return this.#agent.close()
  }

  #ask(
    query: Readonly<Record<string, string>>,
    options: { readonly signal: AbortSignal; readonly waitMs?: number },
  ): Promise<AgentAnswer> {
    const { prefix, agent } = this.#settings
    return this.#agent.ask({
      path: `kv/${prefix.split('/').map(encodeURIComponent).join('/')}`,
      query: { ...query, dc: agent.datacenter, stale: agent.consistency === 'stale' ? '' : undefined },
      purpose: `for the keys below ${prefix} (it needs key:read on them)`,
      // No key is below the prefix.
      expected: [404],
      ...options,
    })
  }
}

/** Without any key below the prefix the answer is 404, and empty. */
function listOf({ status, text }: AgentAnswer): string {
  return status === 404 ? '[]' : text
}

function hidden(prefix: string): string {
  return `Consul hides keys below ${prefix}, or may: give the token key:read on all of them (key_prefix "${prefix}")`
}

function resolveSource(options: ConsulSourceOptions, environment: Environment): SourceSettings {
  const check = optionCheck('consulSource')
  const given: unknown = options
  if (!isRecord(given))
    throw new ConfigError([check.malformed(`the options must be an object with prefix, found ${toFound(given)}`)])
  const { settings: agent, problems } = resolveAgent(options, check, environment)
  const known = [...agentOptionNames.filter((name) => name !== 'cached'), 'prefix', 'maxValueBytes']
  const all = [
    ...check.names(options, known),
    ...checkPrefix(options.prefix),
    ...problems,
    ...check.integer('maxValueBytes', options.maxValueBytes, { min: 1, max: 1_048_576 }),
  ]
  if (all.length > 0) throw new ConfigError(all)
  return Object.freeze({
    prefix: options.prefix.replace(/\/*$/, '/'),
    maxValueBytes: options.maxValueBytes ?? consulSourceDefaults.maxValueBytes,
    agent,
  })
}

/** Consul's keys begin with no slash; one that is written all the same would find nothing. */
function checkPrefix(prefix: unknown): readonly SetupProblem[] {
  if (typeof prefix === 'string' && /^[^/]/.test(prefix)) return []
  const found = prefix === undefined ? '' : `, found ${toFound(prefix)}`
  const message = `consulSource: prefix must be the beginning of keys such as config/user/, without a slash at its own beginning${found}`
  return [{ code: prefix === undefined ? 'config.missing' : 'config.malformed', message }]
}
