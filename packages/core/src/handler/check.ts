import { ConfigError } from '../error/setup-error.ts'
import { toFound } from '../error/given-value.ts'
import { type HealthCheckOptions, type HealthCheckSettings, resolveHealthCheck } from './check-settings.ts'
import { checkName } from './name-form.ts'
import type { NeedValues, Token } from './provider.ts'

/** What a check gets after the values it needs. */
export interface CheckContext {
  /** Fires when the time of this run is over, or nobody asks any more. Pass it on to what connects. */
  readonly signal: AbortSignal
}

export interface CheckSpec<Needs extends readonly Token[]> extends HealthCheckOptions {
  /** What must exist before; handed to the check in this order. The service creates it for the check alone, too. */
  readonly needs?: Needs
}

/** A named condition of a service. Made by `check()`. */
export interface HealthCheck {
  readonly name: string
  readonly needs: readonly Token[]
  readonly settings: HealthCheckSettings
  /** Begins to watch, once for each start of a service; gets the values it needs. */
  open(...needed: readonly unknown[]): OpenCheck
}

/** A check of a service that runs. */
export interface OpenCheck {
  /** Throws or rejects when the condition does not hold. */
  run(context: CheckContext): unknown
  /** Nobody asks any more. */
  close?(): void
}

/**
 * Declares a condition that the service looks at in the background, so that probes read what is there already:
 * `check('disk', async ({ signal }) => …, { intervalMs: 30_000 })`. With `needs: [Db]` it gets the `Db` first, as `create` of a
 * provider does: `(db, { signal }) => db.ping(signal)`. What it throws is shown with `?verbose` and logged, with the service's
 * secret settings as `***`.
 *
 * @param name One line of up to 100 characters, for people, `?verbose` and `?exclude=`.
 * @param run Throws or rejects when the condition does not hold. Not run again while its last run has not ended.
 * @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once.
 */
export function check<const Needs extends readonly Token[] = readonly []>(
  name: string,
  run: (...given: [...needed: NeedValues<Needs>, context: CheckContext]) => unknown,
  options: CheckSpec<Needs> = {},
): HealthCheck {
  const misnamed = checkName('check(…)', name)
  if (misnamed.length > 0) throw new ConfigError(misnamed)
  if (typeof run !== 'function') {
    const message = `check("${name}", …): expected a function that throws when the condition does not hold, found ${toFound(run)}`
    throw new ConfigError([{ code: 'config.malformed', message }])
  }
  const begin = run as (...given: readonly unknown[]) => unknown
  return Object.freeze({
    name,
    needs: options.needs ?? [],
    settings: resolveHealthCheck(`check("${name}", …)`, options),
    open: (...needed: readonly unknown[]) => ({ run: (context: CheckContext) => begin(...needed, context) }),
  })
}
