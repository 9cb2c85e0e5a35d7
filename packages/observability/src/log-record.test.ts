import { pino } from 'pino'
import { expect, it } from 'vitest'
import { toLogRecord } from './log-record.ts'

/** What a logger writes. */
function lineOf(write: (log: ReturnType<typeof pino>) => void): string {
  let line = ''
  write(pino({ level: 'trace', base: { service: 'note' } }, { write: (text: string) => void (line = text) }))
  return line
}

it('keeps level, time, message and fields', () => {
  const beforeMs = Date.now()
  const record = toLogRecord(lineOf((log) => log.child({ callId: 'c' }).warn({ n: 1, deep: { a: [true] } }, 'slow')))
  expect(record).toMatchObject({ severityNumber: 13, severityText: 'WARN', body: 'slow' })
  expect(record?.attributes).toEqual({ callId: 'c', n: 1, deep: { a: [true] } })
  expect(Number(record?.timestamp)).toBeGreaterThanOrEqual(beforeMs)
})

it.each([
  ['trace', 1],
  ['debug', 5],
  ['info', 9],
  ['warn', 13],
  ['error', 17],
  ['fatal', 21],
] as const)('knows the severity of %s', (level, severityNumber) => {
  const line = lineOf((log) => log[level]({}, ''))
  expect(toLogRecord(line)).toMatchObject({ severityNumber, severityText: level.toUpperCase(), body: '' })
})

it('names an error by convention, and keeps what else it has', () => {
  const err = Object.assign(new TypeError('broken'), { code: 'E_X' })
  const attributes = toLogRecord(lineOf((log) => log.error({ err }, 'failed')))?.attributes
  expect(attributes).toEqual({
    'exception.type': 'TypeError',
    'exception.message': 'broken',
    'exception.stacktrace': err.stack,
    err: { code: 'E_X' },
  })
  expect(toLogRecord(lineOf((log) => log.error({ err: 'text' }, 'failed')))?.attributes).toEqual({ err: 'text' })
})

it('makes nothing of what is no line of log', () => {
  expect(toLogRecord('Debugger attached.\n')).toBeUndefined()
})
