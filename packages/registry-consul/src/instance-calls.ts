import type { Instance } from '@tenon/core/registry'
import { isRecord } from '@tenon/core/transport'
import { AgentError } from './agent/agent-error.ts'
import type { AgentAnswer, ConsulAgent } from './agent/consul-agent.ts'
import { pause } from './agent/follow-index.ts'
import { parseJson } from './agent/parse-json.ts'
import { TokenBucket } from './agent/token-bucket.ts'
import { checkId, toCheckRecord } from './consul-check.ts'
import { checkStatus, type Incarnation, readIncarnation, toServiceRecord } from './consul-mapping.ts'
import type { ConsulSettings } from './consul-options.ts'
import type { ShownTest } from './shown-entries.ts'

/** What the agent has of an instance; undefined where it has none. */
export interface Found {
  /** Undefined where somebody else than Tenon registered it. */
  readonly incarnation: Incarnation | undefined
  /** Of its content, for `watch`. */
  readonly hash: string | undefined
}

interface ShownOptions {
  readonly awaited: string
  readonly signal: AbortSignal
}

/** What is asked of an agent about one instance that is announced to it. */
export class InstanceCalls {
  readonly #agent: ConsulAgent
  readonly #settings: ConsulSettings

  constructor(agent: ConsulAgent, settings: ConsulSettings) {
    this.#agent = agent
    this.#settings = settings
  }

  /** @throws Error for an instance that does not fit. */
  check(instance: Instance, incarnation: Incarnation): void {
    toServiceRecord(instance, incarnation, this.#settings.tags)
  }

  /**
   * Registers the service with its check. `takeOver` removes the checks of an earlier life, and ends its maintenance.
   *
   * @throws Error for an instance that does not fit.
   */
  async register(
    instance: Instance,
    incarnation: Incarnation,
    options: { takeOver: boolean; signal: AbortSignal },
  ): Promise<void> {
    const service = toServiceRecord(instance, incarnation, this.#settings.tags)
    await this.#agent.ask({
      method: 'PUT',
      path: 'agent/service/register',
      query: { 'replace-existing-checks': options.takeOver ? 'true' : undefined },
      body: { ...service, Check: toCheckRecord(instance, incarnation.id, this.#settings) },
      purpose: `to register the instance ${instance.id} (it needs service:write on ${instance.name})`,
      signal: options.signal,
    })
  }

  /** Says how the instance is, which keeps it for another `ttlMs`; false where the agent does not know its check. */
  async report(instance: Instance, incarnationId: string, signal: AbortSignal): Promise<boolean> {
    const { health = 'serving' } = instance
    try {
      await this.#agent.ask({
        method: 'PUT',
        path: `agent/check/update/${encodeURIComponent(checkId(instance.id, incarnationId))}`,
        body: { Status: checkStatus[health], Output: health },
        purpose: `to renew the instance ${instance.id} (it needs service:write on ${instance.name})`,
        signal,
      })
      return true
    } catch (error) {
      if (isUnknownCheck(error)) return false
      throw error
    }
  }

  /** What the agent has, at once; or, with a hash, when that is another, or after `waitMs`. */
  async look(instance: Instance, { hash, signal }: { hash?: string; signal: AbortSignal }): Promise<Found | undefined> {
    const answer = await this.#agent.ask({
      path: `agent/service/${encodeURIComponent(instance.id)}`,
      ...(hash !== undefined && { query: { hash }, waitMs: this.#settings.agent.waitMs }),
      purpose: `for the instance ${instance.id} (it needs service:read on ${instance.name})`,
      expected: [404],
      signal,
    })
    if (answer.status === 404) return undefined
    const service = parseJson(answer.text, `what Consul says of the instance ${instance.id}`)
    return { incarnation: readIncarnation(isRecord(service) ? service['Meta'] : undefined), hash: answer.hash }
  }

  async deregister(instance: Instance, signal: AbortSignal): Promise<void> {
    await this.#agent.ask({
      method: 'PUT',
      path: `agent/service/deregister/${encodeURIComponent(instance.id)}`,
      purpose: `to remove the instance ${instance.id} (it needs service:write on ${instance.name})`,
      expected: [404],
      signal,
    })
  }

  /** Nobody is sent there any more, while Consul still shows it. */
  async maintain(instance: Instance, signal: AbortSignal): Promise<void> {
    await this.#agent.ask({
      method: 'PUT',
      path: `agent/service/maintenance/${encodeURIComponent(instance.id)}`,
      query: { enable: 'true', reason: 'the process is about to end' },
      purpose: `to put the instance ${instance.id} under maintenance (it needs service:write on ${instance.name})`,
      expected: [404],
      signal,
    })
  }

  /**
   * Waits until what the servers of Consul show of an instance passes a test; for what the token may not see it is not waited.
   *
   * @throws Error after `shownWithinMs`, which says what was `awaited`: `the change`.
   */
  async untilShown(instance: Instance, test: ShownTest, { awaited, signal }: ShownOptions): Promise<void> {
    const bucket = new TokenBucket({ burst: 10, refillMs: 100 })
    const endsAtMs = performance.now() + shownWithinMs
    let index: number | undefined
    for (;;) {
      const remainingMs = Math.max(0, endsAtMs - performance.now())
      const answer = await this.#shown(instance, { index, waitMs: remainingMs, signal })
      const entries = parseJson(answer.text, `what Consul shows of the instance ${instance.id}`)
      if (answer.isFiltered || test(Array.isArray(entries) ? entries : [])) return
      if (remainingMs === 0) throw new Error(notShown(instance, awaited))
      // A server that lags behind may have seen less than the one before.
      index = index !== undefined && answer.index < index ? undefined : answer.index
      await pause(bucket, signal)
    }
  }

  #shown(
    { id, name }: Instance,
    { index, waitMs, signal }: { index: number | undefined; waitMs: number; signal: AbortSignal },
  ): Promise<AgentAnswer> {
    return this.#agent.ask({
      path: `health/service/${encodeURIComponent(name)}`,
      query: {
        filter: `Service.ID == ${JSON.stringify(id)}`,
        stale: this.#settings.agent.consistency === 'stale' ? '' : undefined,
        index: index === undefined ? undefined : String(index),
      },
      ...(index !== undefined && { waitMs: Math.max(1, waitMs) }),
      purpose: `whether it shows the instance ${id} (it needs service:read on ${name} and node:read)`,
      signal,
    })
  }
}

/** An agent tells its servers within milliseconds; it tries again where they do not answer. A guess. */
const shownWithinMs = 5_000

function notShown({ id }: Instance, awaited: string): string {
  const told = `the agent of Consul took what it was told of the instance ${id}, but its servers do not show ${awaited}`
  return `${told} after ${shownWithinMs} ms: the agent may lack a token of its own (acl.tokens.agent) with node:write, or its check of the instance fails; look into its log`
}

/** Older agents answer 500. @see Consul, Agent.updateTTLCheck */
function isUnknownCheck(error: unknown): boolean {
  if (!(error instanceof AgentError)) return false
  return (
    error.status === 404 || (error.status === 500 && /does not have associated TTL|unknown check/i.test(error.message))
  )
}
