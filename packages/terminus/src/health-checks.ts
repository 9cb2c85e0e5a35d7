import type { HealthCheck, HealthCheckMap, TerminusOptions } from '@godaddy/terminus'
import { isRecord, type ProbeName } from '@tenon/core/transport'
import { type AdapterSettings, toKey } from './adapter-options.ts'
import type { AttachedProbes } from './attached-probes.ts'
import type { SuccessBody } from './success-body.ts'

/** What checks tell of. */
export interface HealthView {
  readonly probes: AttachedProbes
  readonly success: SuccessBody
  readonly isShuttingDown: () => boolean
}

type Settings = Pick<AdapterSettings, 'probes' | 'healthChecks' | 'caseInsensitive' | 'logger' | 'statusErrorResponse'>

/** The checks of the service and of the team, and the logger that is told of the latter. */
export function toHealthChecks(
  settings: Settings,
  view: HealthView,
): Pick<TerminusOptions, 'logger'> & { readonly healthChecks: HealthCheckMap } {
  const { healthChecks: given = {}, logger } = settings
  const checks = new Map<string, (query: string | undefined) => HealthCheck>(
    [...settings.probes].map(([path, name]) => [path, (query) => () => probe(name, query, view)]),
  )
  for (const [path, check] of Object.entries(given)) {
    if (typeof check !== 'function') continue
    const told = teamCheck(check, settings, view)
    checks.set(toKey(path, settings), () => told)
  }
  const find = (url: string) => {
    const [, path = '', query] = /^([^?]*)(?:\?(.*))?$/s.exec(url) ?? []
    return checks.get(toKey(path, settings))?.(query)
  }
  const { __unsafeExposeStackTraces } = given
  return {
    healthChecks: byPath(
      { verbatim: true, ...(__unsafeExposeStackTraces === true && { __unsafeExposeStackTraces }) },
      {
        paths: [...checks.keys()],
        find,
      },
    ),
    ...(logger && { logger: tellTeam(logger) }),
  }
}

/** A check that fails: terminus answers with what it says, which no other answer shares. */
class FailedCheck extends Error {
  readonly statusCode: number | undefined
  readonly statusResponse: Record<string, unknown>
  readonly causes: unknown

  constructor(statusResponse: object, options: { statusCode?: number | undefined; causes?: unknown; cause?: unknown }) {
    const { cause } = options
    super(cause instanceof Error ? cause.message : 'the probe fails', { cause })
    this.statusCode = options.statusCode
    this.statusResponse = { ...statusResponse }
    this.causes = options.causes
  }
}

async function probe(name: ProbeName, query: string | undefined, { probes, success }: HealthView): Promise<object> {
  const { status, body } = probes.answer(name, query)
  const told = JSON.parse(body) as Readonly<Record<string, unknown>>
  if (status !== 200) throw new FailedCheck(told, { statusCode: status })
  return success.answerWith(told)
}

/** Answers as terminus does, with a body of its own each time. */
function teamCheck(
  check: HealthCheck,
  { healthChecks, statusErrorResponse }: Settings,
  { success, isShuttingDown }: HealthView,
): HealthCheck {
  return async () => {
    try {
      const info: unknown = await check({ state: { isShuttingDown: isShuttingDown() } })
      if (!info) return success.answerBeside({})
      return success.answerBeside(healthChecks?.verbatim === true ? Object(info) : { info, details: info })
    } catch (cause) {
      const { statusCode, statusResponse, causes } = (isObject(cause) ? cause : {}) as Partial<FailedCheck>
      throw new FailedCheck(statusResponse ?? statusErrorResponse, { statusCode, causes, cause })
    }
  }
}

function isObject(value: unknown): value is object {
  return value instanceof Error || isRecord(value)
}

/** The service tells of its own checks itself. */
function tellTeam(logger: NonNullable<TerminusOptions['logger']>): NonNullable<TerminusOptions['logger']> {
  return (message, error) => {
    if (!(error instanceof FailedCheck)) return logger(message, error)
    if (error.cause !== undefined) logger(message, error.cause as Error)
  }
}

/**
 * The table in which terminus looks up the whole URL of each request: here it finds a check by the path, whatever the query is.
 *
 * @see @godaddy/terminus 4.12.1, lib/terminus.js, decorateWithHealthCheck
 */
function byPath(
  switches: HealthCheckMap,
  { paths, find }: { readonly paths: readonly string[]; readonly find: (url: string) => HealthCheck | undefined },
): HealthCheckMap {
  const table = { ...switches, ...Object.fromEntries(paths.map((path) => [path, find(path)])) }
  return new Proxy(table, {
    get: (target, key) =>
      typeof key === 'string' && key.startsWith('/') ? find(key) : (Reflect.get(target, key) as unknown),
  })
}
