import { pino } from 'pino'
import type { LoggedCalls } from '../call/call-log.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import type { Environment } from './config/config.ts'
import { hiddenText } from './config/secret.ts'
import { isLogLevel, type LogLevel, LogLevels, logLevels } from './log/log-levels.ts'
import { LogOutput } from './log/log-output.ts'
import { ServiceLog } from './log/service-log.ts'

/** What a service logs. Level and redaction are those of its own logger: one that `start()` is given has its own. */
export interface LogOptions {
  /** Lines below are dropped. The environment variable LOG_LEVEL takes its place. @defaultValue `info` */
  readonly level?: LogLevel
  /**
   * Paths of fields that are written as `***`: `password`, `*.token`, `req.headers["x-api-key"]`. Settings wrapped in
   * `secret()` need none.
   *
   * @defaultValue none
   * @throws ConfigError `config.malformed` for what is no path
   * @see pino, redaction: syntax of paths
   */
  readonly redact?: readonly string[]
  /** Which finished calls get a line of their own; a fault of the service itself always does. @defaultValue `failed` */
  readonly calls?: LoggedCalls
}

/** JSON lines on standard output, at the level of LOG_LEVEL, else of the options; at `info` where that one is unknown. */
export function defaultLog(service: string, environment: Environment, options: LogOptions = {}): ServiceLog {
  const { redact } = options
  const output = new LogOutput(pino.destination(1))
  const all = pino(
    {
      level: 'trace',
      base: { service },
      ...(redact !== undefined && checkRedact(redact).length === 0 && { redact: toRedaction(redact) }),
    },
    output,
  )
  const level = levelOf(environment, options)
  return new ServiceLog(all, { levels: new LogLevels(isLogLevel(level) ? level : logDefaults.level), output })
}

/** What is wrong with LOG_LEVEL and with the options, if anything. */
export function checkLog(environment: Environment, options: LogOptions = {}): readonly SetupProblem[] {
  return [...checkLevel(environment, options), ...checkRedact(options.redact), ...checkCalls(options.calls)]
}

/** What is used where an option is left out. */
export const logDefaults = Object.freeze({ level: 'info', calls: 'failed' } satisfies LogOptions)

function checkLevel(environment: Environment, options: LogOptions): readonly SetupProblem[] {
  const level = levelOf(environment, options)
  if (isLogLevel(level)) return []
  const name = environment['LOG_LEVEL'] ? 'LOG_LEVEL' : 'log.level'
  return [malformed(`${name}: expected one of ${logLevels.join(', ')}, found ${JSON.stringify(level)}`)]
}

function levelOf(environment: Environment, { level }: LogOptions): string {
  return environment['LOG_LEVEL'] || (level ?? logDefaults.level)
}

/** Only pino knows its own syntax, and tells it by throwing. */
function checkRedact(paths: readonly string[] = []): readonly SetupProblem[] {
  return paths.flatMap((path) => {
    try {
      pino({ enabled: false, redact: toRedaction([path]) })
      return []
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return [malformed(`log.redact: expected paths such as *.token, found ${JSON.stringify(path)}: ${reason}`)]
    }
  })
}

function toRedaction(paths: readonly string[]) {
  return { paths: [...paths], censor: hiddenText }
}

const knownCalls = { all: true, failed: true, none: true } satisfies Readonly<Record<LoggedCalls, true>>

function checkCalls(calls: LoggedCalls = logDefaults.calls): readonly SetupProblem[] {
  if (Object.hasOwn(knownCalls, calls)) return []
  return [malformed(`log.calls: expected one of ${Object.keys(knownCalls).join(', ')}, found ${JSON.stringify(calls)}`)]
}

function malformed(message: string): SetupProblem {
  return { code: 'config.malformed', message }
}
