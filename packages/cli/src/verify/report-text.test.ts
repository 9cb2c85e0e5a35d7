import { expect, it } from 'vitest'
import { painter } from '../terminal.ts'
import type { DrainReport } from './report.ts'
import { reportText } from './report-text.ts'

const paint = painter({ isTerminal: false, environment: {} })

const report: DrainReport = {
  ok: true,
  longestStandstillMs: 900,
  services: [
    {
      name: 'note',
      restartCount: 20,
      transports: [
        { transport: 'http', sent: 12, succeeded: 12, failed: 0, failures: [] },
        { transport: 'queue', sent: 9, succeeded: 9, failed: 0, failures: [], lost: 0, duplicated: 1 },
      ],
      exits: { '0': 21 },
      slowestStart: { phase: 'import', durationMs: 300 },
      slowestStop: undefined,
      longestStopMs: 1_200,
      causes: [],
      notes: ['telemetry was not flushed'],
    },
  ],
}

it('shows a verdict with what it rests on', () => {
  const text = reportText(report, paint)
  expect(text).toContain('note, 20 restarts')
  expect(text).toMatch(/^ {2}queue +9 +9 +0 +0 +1$/m)
  expect(text).toContain('exit codes: 0 × 21; longest stop 1200 ms')
  expect(text).toContain('slowest of the start: import, 300 ms; of the stop: nobody says')
  expect(text).toContain('  note: telemetry was not flushed')
  expect(text.split('\n').at(-1)).toBe('fine: nothing failed, nothing was lost, every process ended with exit code 0')
})

it('says that nothing was sent where nothing can be', () => {
  const [service] = report.services
  const text = reportText({ ...report, services: [{ ...service!, transports: [] }] }, paint)
  expect(text).toContain(
    'nothing was sent, for no operation and no topic of it can be; its starts and stops are judged',
  )
  expect(reportText(report, paint)).not.toContain('nothing was sent')
})

it('shows failures and causes, and says when it may be the machine', () => {
  const [service] = report.services
  const failures = [{ operation: 'a/b', code: 'unavailable', message: 'gone', count: 3 }]
  const causes = [{ cause: 'late_end', message: 'it hung' }] as const
  const failing = {
    ...report,
    ok: false,
    services: service
      ? [{ ...service, causes, transports: [{ transport: 'grpc', sent: 9, succeeded: 6, failed: 3, failures }] }]
      : [],
  }
  const text = reportText(failing, paint)
  for (const line of [
    '    3 × a/b over grpc: unavailable: gone',
    '  late_end: it hung',
    'stood still for 900 ms',
    'not fine',
  ])
    expect(text).toContain(line)
})
