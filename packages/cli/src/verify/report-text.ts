import type { Terminal } from '../terminal.ts'
import type { DrainReport, ServiceReport, TransportReport } from './report.ts'

/** The report for people. */
export function reportText(report: DrainReport, paint: Terminal['paint']): string {
  const verdict = report.ok
    ? paint('green', 'fine: nothing failed, nothing was lost, every process ended with exit code 0')
    : paint('red', 'not fine')
  const services = report.services.flatMap((service) => serviceLines(service, paint))
  return [...services, ...standstillLines(report, paint), verdict].join('\n')
}

/** From which on it may be the machine, in milliseconds. A guess: far more than a collection of the heap takes. */
const longStandstillMs = 500

function standstillLines({ ok, longestStandstillMs }: DrainReport, paint: Terminal['paint']): readonly string[] {
  if (ok || longestStandstillMs < longStandstillMs) return []
  const text = `this command itself stood still for ${longestStandstillMs} ms: the machine is too busy for this --rate`
  return [paint('yellow', text)]
}

/** What a service does by itself cannot be sent, and yet has to end well. */
const nothingSent = '  nothing was sent, for no operation and no topic of it can be; its starts and stops are judged'

const columns = ['sent', 'succeeded', 'failed', 'lost', 'duplicated'] as const

function serviceLines(service: ServiceReport, paint: Terminal['paint']): readonly string[] {
  const { name, restartCount, transports, exits, slowestStart, slowestStop, longestStopMs, causes, notes } = service
  const ends = Object.entries(exits).map(([end, count]) => `${end} × ${count}`)
  return [
    paint('bold', `${name}, ${restartCount} restarts`),
    `  ${''.padEnd(12)}${columns.map((column) => column.padStart(12)).join('')}`,
    ...transports.map((transport) => `  ${transport.transport.padEnd(12)}${cells(transport)}`),
    ...(transports.length === 0 ? [nothingSent] : []),
    ...transports.flatMap(failureLines),
    `  exit codes: ${ends.join(', ')}; longest stop ${longestStopMs} ms`,
    `  slowest of the start: ${phaseText(slowestStart)}; of the stop: ${phaseText(slowestStop)}`,
    ...causes.map(({ cause, message }) => `  ${paint('red', cause)}: ${message}`),
    ...notes.map((note) => `  ${paint('yellow', 'note')}: ${note}`),
    '',
  ]
}

function cells(transport: TransportReport): string {
  return columns.map((column) => String(transport[column] ?? '').padStart(12)).join('')
}

function failureLines({ transport, failures }: TransportReport): readonly string[] {
  return failures.map(
    ({ operation, code, message, count }) => `    ${count} × ${operation} over ${transport}: ${code}: ${message}`,
  )
}

function phaseText(phase: ServiceReport['slowestStop']): string {
  return phase ? `${phase.phase}, ${phase.durationMs} ms` : 'nobody says'
}
