import { ConfigError, type SetupProblem } from '../../error/setup-error.ts'
import type { Logger } from '../../telemetry/log.ts'
import { wait } from '../lifecycle/shutdown.ts'
import type { ChosenSource } from './config-sources.ts'
import type { FollowedSource } from './followed-source.ts'

export interface FirstValuesOptions {
  /** Fires when the start is given up. */
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly log: Logger
}

/**
 * Waits until every source has told its values, or the time is over.
 *
 * @throws ConfigError `config.source_unavailable` for each required one that has told nothing; the signal's reason when it fires
 */
export async function firstValues(
  sources: readonly FollowedSource[],
  chosen: readonly ChosenSource[],
  { signal, timeoutMs, log }: FirstValuesOptions,
): Promise<void> {
  const over = new AbortController()
  const limit = AbortSignal.any([signal, over.signal])
  try {
    await Promise.race([Promise.all(sources.map(({ first }) => first)), wait(timeoutMs, limit)])
  } finally {
    over.abort()
  }
  signal.throwIfAborted()
  const problems = sources.flatMap((source, index): readonly SetupProblem[] => {
    if (source.hasTold) return []
    if (chosen[index]?.isRequired !== false) return [unavailable(source, timeoutMs)]
    log.warn(
      { source: source.name },
      'the service starts without a source of settings, which is followed once it is there',
    )
    return []
  })
  if (problems.length > 0) throw new ConfigError(problems)
}

function unavailable({ name, state: { trouble } }: FollowedSource, timeoutMs: number): SetupProblem {
  const why = trouble === undefined ? 'it said nothing' : trouble
  const message = `configSources: ${name} could not be read within ${Math.round(timeoutMs)} ms (configTimeoutMs): ${why}; make it reachable, or let the service start without it with { source, isRequired: false }`
  return { code: 'config.source_unavailable', message }
}
