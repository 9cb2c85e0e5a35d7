import { describe, expect, it } from 'vitest'
import { type Evidence, findCauses, findNotes } from './cause.ts'
import type { TransportReport } from './report.ts'
import type { InstanceRecord } from './verified-instance.ts'

const record: InstanceRecord = {
  startPhases: [],
  stopPhases: [{ phase: 'drain', durationMs: 5 }],
  runningPhase: undefined,
  notReadyAfterMs: 40,
  readyUntilMs: 5,
  refusals: [],
  end: { code: 0, signal: null },
  stopMs: 1_050,
  wasKilled: false,
  hasStopped: true,
  output: '',
}

const fine: TransportReport = { transport: 'http', sent: 9, succeeded: 9, failed: 0, failures: [] }

function failing(code: string, message = 'no'): TransportReport {
  return { ...fine, succeeded: 8, failed: 1, failures: [{ operation: 'op', code, message, count: 1 }] }
}

function causesOf(evidence: Partial<Evidence>): readonly string[] {
  return found(evidence).map(({ cause }) => cause)
}

function found(evidence: Partial<Evidence>) {
  const rest = {
    lostBy: [],
    lags: undefined,
    shutdownTimeoutMs: 10_000,
    startFailure: undefined,
    delayMs: 1_000,
    unledCount: 0,
  }
  return findCauses({ records: [record, record], transports: [fine], ...rest, ...evidence })
}

describe('findCauses', () => {
  it('calls nothing fine over which nothing was sent', () => {
    expect(found({ transports: [fine, { ...fine, transport: 'grpc', sent: 0, succeeded: 0 }] })).toEqual([
      { cause: 'nothing_sent', message: 'nothing was sent over grpc, so nothing can be said of it' },
    ])
  })

  it('finds none where nothing failed', () => {
    expect(found({})).toEqual([])
  })

  it('tells a process that was killed with the phase in which it hung', () => {
    const killed = { code: null, signal: 'SIGKILL' } as const
    const hung = { ...record, wasKilled: true, hasStopped: false, end: killed, runningPhase: 'drain' }
    expect(found({ records: [record, hung] })).toEqual([
      {
        cause: 'late_end',
        message:
          'once a process did not end by itself within its shutdownTimeoutMs of 10000 ms, and was killed: the phase "drain" had not ended',
      },
    ])
  })

  it('tells another signal and another exit code from that', () => {
    expect(causesOf({ records: [{ ...record, end: { code: null, signal: 'SIGSEGV' } }] })).toEqual(['ended_by_signal'])
    expect(causesOf({ records: [{ ...record, end: { code: 3, signal: null } }] })).toEqual(['exit_code'])
  })

  it('does not take exit code 0 for a drain, and tells how far the shutdown had come', () => {
    const left = { ...record, hasStopped: false, stopPhases: [], notReadyAfterMs: undefined }
    const cause = 'not_drained'
    const advice =
      'Something in it, such as a listener of SIGTERM that calls process.exit(), ends it before it has drained'
    expect(found({ records: [record, left] })).toEqual([
      { cause, message: `once a process ended with exit code 0 before its shutdown was over. ${advice}` },
    ])
    const half = { ...left, notReadyAfterMs: 40, runningPhase: 'deregister delay' }
    expect(found({ records: [half, half] })).toEqual([
      {
        cause,
        message: `2 times a process ended with exit code 0 before its shutdown was over: the phase "deregister delay" had not ended. ${advice}`,
      },
    ])
  })

  it('names it alone where callers met a process that was gone, though its probe had said ready', () => {
    const refusals = [{ protocol: 'http', afterMs: 2 }]
    const gone = { ...record, hasStopped: false, notReadyAfterMs: undefined, readyUntilMs: 1, refusals }
    expect(causesOf({ records: [gone, gone], transports: [failing('unavailable')] })).toEqual(['not_drained'])
  })

  it('names a phase that failed once for all its times, and not its exit code too', () => {
    const failed = {
      ...record,
      end: { code: 1, signal: null },
      stopPhases: [{ phase: 'drain', durationMs: 5, error: 'hung' }],
    }
    expect(found({ records: [failed, failed] })).toEqual([
      { cause: 'phase_failed', message: '2 times the phase "drain" of the shutdown failed: hung' },
    ])
  })

  it('notes telemetry that could not be flushed, which decides nothing, and does not take it for the reason of an exit code', () => {
    const unflushed = {
      ...record,
      stopPhases: [{ phase: 'flush telemetry', durationMs: 5, error: 'spans: no collector' }],
    }
    expect(found({ records: [unflushed, unflushed] })).toEqual([])
    expect(findNotes([record, unflushed, unflushed])).toEqual([
      '2 times the phase "flush telemetry" of the shutdown failed: spans: no collector',
    ])
    expect(causesOf({ records: [{ ...unflushed, end: { code: 1, signal: null } }] })).toEqual(['exit_code'])
    const failed = { ...record, stopPhases: [{ phase: 'drain', durationMs: 5, error: 'hung' }] }
    expect(findNotes([record, failed])).toEqual([])
  })

  it('blames a probe that never said no, and one that was late only where something failed', () => {
    const never = { ...record, notReadyAfterMs: undefined, readyUntilMs: 990 }
    const late = { ...record, notReadyAfterMs: 1_200, readyUntilMs: 1_100 }
    expect(causesOf({ records: [never, never] })).toEqual(['never_drops_readiness'])
    expect(causesOf({ records: [record, late] })).toEqual([])
    expect(causesOf({ records: [record, late], transports: [failing('unavailable')] })).toEqual([
      'never_drops_readiness',
    ])
  })

  it('blames no probe for a service without a delay, where nothing failed', () => {
    const never = { ...record, notReadyAfterMs: undefined, readyUntilMs: 990 }
    expect(causesOf({ records: [never, never], delayMs: 0 })).toEqual([])
    expect(causesOf({ records: [never, never], delayMs: 0, transports: [failing('unavailable')] })).toEqual([
      'never_drops_readiness',
    ])
  })

  it('tells servers that close early by refused connections, and by calls that were cut in processes that ended well', () => {
    const refusing = { ...record, refusals: [{ protocol: 'http', afterMs: 20 }] }
    expect(causesOf({ records: [refusing], transports: [failing('unavailable')] })).toEqual(['closes_before_draining'])
    expect(causesOf({ transports: [failing('unavailable', 'reset')] })).toEqual(['closes_before_draining'])
  })

  it('tells callers who could be led to nobody, where some failed, and not that servers close early', () => {
    expect(causesOf({ unledCount: 3 })).toEqual([])
    expect(causesOf({ unledCount: 3, transports: [failing('unavailable', 'reset')] })).toEqual(['no_ready_instance'])
  })

  it('tells messages that were committed and not handled from those that nobody came to', () => {
    const lostBy = [{ topic: 't', group: 'g', count: 2 }]
    const lag = (lagCount: number | undefined) => [{ topic: 't', group: 'g', lagCount }]
    expect(causesOf({ lostBy, lags: lag(0) })).toEqual(['commits_early'])
    expect(causesOf({ lostBy, lags: lag(2) })).toEqual(['not_consumed'])
    expect(causesOf({ lostBy, lags: undefined })).toEqual(['not_consumed'])
  })

  it('says what failed where no reason was found, and why an instance did not start', () => {
    expect(causesOf({ transports: [failing('internal')] })).toEqual(['calls_failed'])
    expect(causesOf({ transports: [{ ...failing('internal'), transport: 'queue' }] })).toEqual(['messages_failed'])
    expect(causesOf({ startFailure: 'no port' })).toEqual(['start_failed'])
  })
})
