import type { Endpoint, Instance } from '@tenon/core/registry'
import { isRecord, type OptionCheck, type SetupProblem, toFound } from '@tenon/core/transport'
import type { ConsulSettings } from './consul-options.ts'
import { checkPrefix, checkStatus } from './consul-mapping.ts'

/** A check that the agent makes against the instance over HTTP: 2xx passes, 429 warns, anything else is critical. */
export interface HttpCheck {
  /** A URL, or a path that is asked of the instance's endpoint `http`. It is called from where the agent runs. */
  readonly http: string
  /** @defaultValue `GET` */
  readonly method?: string
  /** @defaultValue 5_000 @remarks Range 1_000–3_600_000 ms */
  readonly intervalMs?: number
  /** @defaultValue 2_000 @remarks Range 100–600_000 ms */
  readonly timeoutMs?: number
  /** Takes any certificate. @defaultValue false */
  readonly skipTlsVerify?: boolean
}

/** A check that the agent makes against the instance by the health protocol of gRPC. */
export interface GrpcCheck {
  /** `host:port` or `host:port/service`; true for the instance's endpoint `grpc`. It is called from where the agent runs. */
  readonly grpc: string | true
  /** @defaultValue false */
  readonly tls?: boolean
  /** @defaultValue 5_000 @remarks Range 1_000–3_600_000 ms */
  readonly intervalMs?: number
  /** @defaultValue 2_000 @remarks Range 100–600_000 ms */
  readonly timeoutMs?: number
  /** Takes any certificate. @defaultValue false */
  readonly skipTlsVerify?: boolean
}

/** How Consul learns that an instance lives: the process says so, or the agent asks it. */
export type ConsulCheck = 'ttl' | HttpCheck | GrpcCheck

const checkDefaults = Object.freeze({ intervalMs: 5_000, timeoutMs: 2_000 })

/** One life of an instance has one check, so that an earlier life cannot keep a later one alive. */
export function checkId(instanceId: string, incarnationId: string): string {
  return `${checkPrefix}${instanceId}:${incarnationId}`
}

/** What Consul is told of the check of an instance. @see Consul API, Register Check */
export function toCheckRecord(instance: Instance, incarnationId: string, settings: ConsulSettings): object {
  const { check, ttlMs, deregisterAfterMs } = settings
  return {
    CheckID: checkId(instance.id, incarnationId),
    Name: `Tenon ${instance.name}`,
    // Announced is ready: nobody waits for the first renewal or the first look of the agent.
    Status: checkStatus[instance.health ?? 'serving'],
    DeregisterCriticalServiceAfter: `${deregisterAfterMs}ms`,
    ...(check === 'ttl' ? { TTL: `${ttlMs}ms` } : toAgentCheck(check, instance)),
  }
}

/** What is wrong with the option `check`. */
export function checkCheck(given: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (given === undefined || given === 'ttl') return []
  if (!isRecord(given) || 'http' in given === 'grpc' in given)
    return [check.malformed(`check must be 'ttl', { http: … } or { grpc: … }, found ${toFound(given)}`)]
  return [
    ...check.names(given, 'http' in given ? httpNames : grpcNames, 'check'),
    ...('http' in given ? checkHttp(given, check) : checkGrpc(given, check)),
    ...check.integer('check.intervalMs', given['intervalMs'], { min: 1_000, max: 3_600_000 }),
    ...check.integer('check.timeoutMs', given['timeoutMs'], { min: 100, max: 600_000 }),
    ...check.boolean('check.skipTlsVerify', given['skipTlsVerify']),
  ]
}

const httpNames: readonly (keyof HttpCheck)[] = ['http', 'method', 'intervalMs', 'timeoutMs', 'skipTlsVerify']
const grpcNames: readonly (keyof GrpcCheck)[] = ['grpc', 'tls', 'intervalMs', 'timeoutMs', 'skipTlsVerify']

function toAgentCheck(check: HttpCheck | GrpcCheck, instance: Instance): object {
  const { intervalMs = checkDefaults.intervalMs, timeoutMs = checkDefaults.timeoutMs, skipTlsVerify = false } = check
  const pace = { Interval: `${intervalMs}ms`, Timeout: `${timeoutMs}ms`, TLSSkipVerify: skipTlsVerify }
  if ('http' in check) return { ...pace, HTTP: urlOf(check.http, instance), Method: check.method ?? 'GET' }
  const target = check.grpc === true ? authorityOf('grpc', instance) : check.grpc
  return { ...pace, GRPC: target, GRPCUseTLS: check.tls ?? false }
}

function urlOf(http: string, instance: Instance): string {
  return http.startsWith('/') ? `http://${authorityOf('http', instance)}${http}` : http
}

function authorityOf(protocol: string, { id, endpoints }: Instance): string {
  const endpoint = endpoints.find((one) => one.protocol === protocol)
  if (endpoint === undefined)
    throw new Error(
      `the option check asks the endpoint ${protocol}, which the instance ${id} does not have: name an address`,
    )
  return toAuthority(endpoint)
}

function toAuthority({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function checkHttp({ http, method }: Readonly<Record<string, unknown>>, check: OptionCheck): readonly SetupProblem[] {
  const isTarget = typeof http === 'string' && (http.startsWith('/') || /^https?:\/\/[^/]+/.test(http))
  const isMethod = method === undefined || (typeof method === 'string' && /^[A-Z]+$/.test(method))
  return [
    ...(isTarget
      ? []
      : [check.malformed('check.http must be a path such as /readyz, or a URL with http:// or https://')]),
    ...(isMethod ? [] : [check.malformed(`check.method must be a method such as GET, found ${toFound(method)}`)]),
  ]
}

function checkGrpc({ grpc, tls }: Readonly<Record<string, unknown>>, check: OptionCheck): readonly SetupProblem[] {
  const isTarget = grpc === true || (typeof grpc === 'string' && /^[^\s/]+:\d+(?:\/\S+)?$/.test(grpc))
  return [
    ...(isTarget
      ? []
      : [check.malformed(`check.grpc must be true, host:port or host:port/service, found ${toFound(grpc)}`)]),
    ...check.boolean('check.tls', tls),
  ]
}
