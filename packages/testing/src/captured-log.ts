import type { Logger } from '@tenon/core/telemetry'

export type CapturedLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line that a service or a handler logged. */
export interface LogLine {
  readonly level: CapturedLevel
  readonly message: string | undefined
  /** What was logged with it, and what the loggers it came through carry: `callId`, `operation`, `transport`, … */
  readonly fields: Readonly<Record<string, unknown>>
}

/** A logger that keeps its lines, and hands them on where there is another. */
export function capturedLog(lines: LogLine[], next?: Logger, carried: object = {}): Logger {
  const write = (level: CapturedLevel) => (fields: object, message?: string) => {
    lines.push(Object.freeze({ level, message, fields: Object.freeze({ ...carried, ...fields }) }))
    next?.[level](fields, message)
  }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => capturedLog(lines, next?.child(fields), { ...carried, ...fields }),
  }
}
