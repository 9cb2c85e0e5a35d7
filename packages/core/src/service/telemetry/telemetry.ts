import type { SetupProblem } from '../../error/setup-error.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { ServiceIdentity } from '../../transport/transport.ts'
import type { Environment } from '../config/config.ts'
import type { AdminRoute } from '../probe/admin-route.ts'

/** What collects the spans, metrics and lines of log of a service, such as `observability()` of `@tenon/observability`. */
export interface Telemetry {
  /**
   * Called once for each start, when the settings are read and before anything else of the service is made.
   *
   * @throws ConfigError what of its options or of the environment it cannot use; the service does not start then.
   */
  start(site: TelemetrySite): Promise<RunningTelemetry>
  /**
   * What would keep it from starting, such as a variable that cannot be read or a package that is not installed. Called by `check()` of the
   * service; starts nothing. Must not reject.
   *
   * @defaultValue nothing is found
   */
  check?(environment: Environment): Promise<readonly SetupProblem[]>
}

/** Whose telemetry it is. */
export interface TelemetrySite {
  readonly service: ServiceIdentity
  readonly environment: Environment
  /** For what it has to tell of itself. */
  readonly log: Logger
}

/** Telemetry of a service that starts or runs. */
export interface RunningTelemetry {
  /** What the admin server is to answer, such as `/metrics`. @defaultValue nothing */
  readonly routes?: readonly AdminRoute[]
  /** Takes a line of the service's log as it is written: a JSON object, redacted. Must not throw. @defaultValue lines are only written */
  writeLine?(line: string): void
  /**
   * Sends what is kept back. Called once while the service stops, when its providers are disposed of, side by side with the registered tracer and
   * meter providers; what takes longer than the phase is given up.
   */
  flush?(): Promise<void>
  /** Called last, when all that the service has to tell is told; the end of the service does not wait for it. Must not reject. */
  stop(): Promise<void>
}
