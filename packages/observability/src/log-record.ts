import type { LogRecord } from '@opentelemetry/api'

/** Severities of pino by their levels. @see OpenTelemetry logs data model, severity; pino, levels */
const severities: Readonly<Record<number, readonly [number: number, text: string]>> = {
  10: [1, 'TRACE'],
  20: [5, 'DEBUG'],
  30: [9, 'INFO'],
  40: [13, 'WARN'],
  50: [17, 'ERROR'],
  60: [21, 'FATAL'],
}

/** A line of log as OpenTelemetry has it, or undefined for what is no line of log. Its trace is that of the code that writes it. */
export function toLogRecord(line: string): LogRecord | undefined {
  const fields = parse(line)
  if (fields === undefined) return undefined
  // The service is a part of the resource.
  const { level, time, msg, err, service: _known, ...rest } = fields
  const [severityNumber, severityText] = severities[Number(level)] ?? [0, 'UNSPECIFIED']
  return {
    timestamp: new Date(typeof time === 'number' ? time : Date.now()),
    severityNumber,
    severityText,
    body: typeof msg === 'string' ? msg : '',
    attributes: { ...rest, ...exceptionAttributes(err) } as NonNullable<LogRecord['attributes']>,
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

/** @see OpenTelemetry semantic conventions, exceptions in logs */
function exceptionAttributes(err: unknown): Readonly<Record<string, unknown>> {
  if (typeof err !== 'object' || err === null) return err === undefined ? {} : { err }
  const { type, message, stack, ...rest } = err as Readonly<Record<string, unknown>>
  return {
    ...(type !== undefined && { 'exception.type': type }),
    ...(message !== undefined && { 'exception.message': message }),
    ...(stack !== undefined && { 'exception.stacktrace': stack }),
    ...(Object.keys(rest).length > 0 && { err: rest }),
  }
}
