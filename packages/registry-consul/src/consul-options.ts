import { ConfigError, optionCheck, type SetupProblem } from '@tenon/core/registry'
import { isRecord, type OptionCheck, toFound } from '@tenon/core/transport'
import {
  agentDefaults,
  type AgentOptions,
  agentOptionNames,
  type AgentSettings,
  type Environment,
  resolveAgent,
} from './agent/agent-options.ts'
import { checkCheck, type ConsulCheck } from './consul-check.ts'

export interface ConsulOptions extends AgentOptions {
  /**
   * How Consul learns that an instance lives. With `ttl` the process says so, three times in `ttlMs`; with the others the agent asks
   * the instance, and a process that died is noticed at its next look.
   *
   * @defaultValue `ttl`
   * @throws ConfigError `config.malformed`
   */
  readonly check?: ConsulCheck
  /** An instance that has not been heard of for so long is gone. @defaultValue 15_000 @remarks Range 1_000–86_400_000 ms */
  readonly ttlMs?: number
  /**
   * How long an instance may be gone before Consul forgets it. It looks every 30 s.
   *
   * @defaultValue 60_000
   * @remarks Range 60_000–604_800_000 ms. Consul takes no less than a minute.
   * @see Consul, check_deregister_interval_min and check_reap_interval
   */
  readonly deregisterAfterMs?: number
  /** Tags of every service that is announced, for others than Tenon. @defaultValue none */
  readonly tags?: readonly string[]
  /**
   * What becomes of an instance that is withdrawn: `withdraw` removes it; `maintenance` leaves it in Consul as under maintenance, so that
   * nobody is sent to it, and `close()` removes it.
   *
   * @defaultValue `withdraw`
   */
  readonly onDrain?: 'withdraw' | 'maintenance'
}

/** What is used where an option is left out. */
export const consulDefaults = Object.freeze({
  ...agentDefaults,
  check: 'ttl',
  ttlMs: 15_000,
  deregisterAfterMs: 60_000,
  tags: [],
  onDrain: 'withdraw',
} satisfies ConsulOptions)

export interface ConsulSettings extends Required<Omit<ConsulOptions, keyof AgentOptions>> {
  readonly agent: AgentSettings
}

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveConsul(options: ConsulOptions, environment: Environment): ConsulSettings {
  const check = optionCheck('consulRegistry')
  const given: unknown = options
  if (!isRecord(given))
    throw new ConfigError([check.malformed(`the options must be an object, found ${toFound(given)}`)])
  const ttlMs = options.ttlMs ?? consulDefaults.ttlMs
  // Another check is not renewed.
  const longestMs = options.check === undefined || options.check === 'ttl' ? Math.floor(ttlMs / 3) : Infinity
  const requestTimeoutMs = options.requestTimeoutMs ?? Math.min(agentDefaults.requestTimeoutMs, longestMs)
  const { settings: agent, problems } = resolveAgent(options, check, environment)
  const settings: ConsulSettings = Object.freeze({
    agent: Object.freeze({ ...agent, requestTimeoutMs }),
    check: options.check ?? consulDefaults.check,
    ttlMs,
    deregisterAfterMs: options.deregisterAfterMs ?? consulDefaults.deregisterAfterMs,
    tags: Object.freeze(Array.isArray(options.tags) ? [...options.tags] : []),
    onDrain: options.onDrain ?? consulDefaults.onDrain,
  })
  const all = [
    ...check.names(options, [...agentOptionNames, ...names]),
    ...problems,
    ...checkCheck(options.check, check),
    ...check.integer('ttlMs', options.ttlMs, { min: 1_000, max: 86_400_000 }),
    ...(requestTimeoutMs > longestMs
      ? [
          check.outOfRange(
            `requestTimeoutMs must be at most a third of ttlMs, found ${requestTimeoutMs} and ${ttlMs}: a renewal that is lost would be noticed too late`,
          ),
        ]
      : []),
    ...check.integer('deregisterAfterMs', options.deregisterAfterMs, { min: 60_000, max: 604_800_000 }),
    ...checkTags(options.tags, check),
    ...check.choice('onDrain', settings.onDrain, ['withdraw', 'maintenance']),
  ]
  if (all.length > 0) throw new ConfigError(all)
  return settings
}

const names = ['check', 'ttlMs', 'deregisterAfterMs', 'tags', 'onDrain'] satisfies (keyof ConsulOptions)[]

function checkTags(tags: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (tags === undefined || (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '')))
    return []
  return [check.malformed(`tags must be a list of texts, found ${toFound(tags)}`)]
}
