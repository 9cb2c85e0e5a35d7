import { levels, pino } from 'pino'
import type { SetupProblem } from '../error/setup-error.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Environment } from './config.ts'

const knownLevels: readonly string[] = [...Object.keys(levels.values), 'silent']

/** JSON lines on standard output, at the level of LOG_LEVEL; at `info` where that is unset or unknown. */
export function defaultLog(service: string, environment: Environment): Logger {
  return pino({ level: checkLogLevel(environment).length > 0 ? 'info' : levelOf(environment), base: { service } })
}

/** What is wrong with LOG_LEVEL, if anything. */
export function checkLogLevel(environment: Environment): readonly SetupProblem[] {
  const level = levelOf(environment)
  if (knownLevels.includes(level)) return []
  const message = `LOG_LEVEL: expected one of ${knownLevels.join(', ')}, found "${level}"`
  return [{ code: 'config.malformed', message }]
}

function levelOf(environment: Environment): string {
  return environment['LOG_LEVEL'] || 'info'
}
