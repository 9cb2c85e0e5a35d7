import { expect, it } from 'vitest'
import { type Evidence, findCauses } from './cause.ts'
import type { TransportReport } from './report.ts'
import type { InstanceRecord } from './verified-instance.ts'

// What `tenon verify drain` has found of the broken services in `test/cli/fixture`, one restart each at 10 a second. The services themselves
// are verified by `.ci/soak`.

const phases = [
  { phase: 'withdraw', durationMs: 0 },
  { phase: 'deregister delay', durationMs: 500 },
  { phase: 'drain', durationMs: 1 },
  { phase: 'close transports', durationMs: 1 },
  { phase: 'dispose providers', durationMs: 0 },
  { phase: 'flush telemetry', durationMs: 0 },
  { phase: 'close admin server', durationMs: 0 },
] as const

const drained: InstanceRecord = {
  startPhases: [],
  notReadyAfterMs: 25,
  readyUntilMs: undefined,
  refusals: [],
  end: { code: 0, signal: null },
  stopMs: 550,
  wasKilled: false,
  hasStopped: true,
  stopPhases: phases,
  runningPhase: undefined,
  output: '',
}

/** One that has not told of any phase of its stop, and was gone before its probe said no. */
const gone: InstanceRecord = { ...drained, notReadyAfterMs: undefined, hasStopped: false, stopPhases: [] }

/** One of which a phase of the stop failed. */
function failed(phase: string, durationMs: number, error: string): InstanceRecord {
  const others = phases.filter((one) => one.phase !== phase)
  return { ...drained, end: { code: 1, signal: null }, stopPhases: [...others, { phase, durationMs, error }] }
}

const http: TransportReport = { transport: 'http', sent: 242, succeeded: 242, failed: 0, failures: [] }
const queue: TransportReport = { transport: 'queue', sent: 243, succeeded: 243, failed: 0, failures: [] }
const topic = { topic: 'test.verify.written.v1', group: 'forgetful' }
const hungHook = 'hooks failed: onStop hook say goodbye failed: no end within 1703 ms [service.hook_failed]'
const hungProvider = 'providers could not be disposed: MailBox could not be disposed: no end within 1974 ms'
const hungTask =
  'the service could not drain: background task relay has not ended although its signal fired [service.task_failed]'

const cut: TransportReport = {
  transport: 'http stream',
  sent: 242,
  succeeded: 227,
  failed: 15,
  failures: [
    {
      operation: 'test.verify.v1.NoteService/watch',
      code: 'unavailable',
      message: 'the connection to 127.0.0.1:35375 was lost during the reply',
      count: 15,
    },
  ],
}

const killed = { ...gone, end: { code: null, signal: 'SIGKILL' }, stopMs: 57 } as const

const lost: TransportReport = { ...queue, succeeded: 220, lost: 23, duplicated: 0 }

const evidence: Readonly<Record<string, Partial<Evidence>>> = {
  closing: { records: [drained, drained], transports: [http, cut] },
  forgetful: {
    records: [drained, drained],
    transports: [lost],
    lostBy: [{ ...topic, count: 23 }],
    lags: [{ ...topic, lagCount: 0 }],
  },
  hanging: {
    records: [failed('dispose providers', 1_975, hungProvider), failed('dispose providers', 1_975, hungProvider)],
    transports: [http],
  },
  clinging: {
    records: [failed('onStop', 1_726, hungHook), failed('onStop', 1_702, hungHook)],
    transports: [http],
  },
  'hanging-worker': { records: [failed('drain', 921, hungTask), failed('drain', 920, hungTask)], transports: [] },
  killed: { records: [killed, { ...killed, stopMs: 20 }], transports: [http] },
  stubborn: {
    records: [
      { ...drained, notReadyAfterMs: undefined, readyUntilMs: 488 },
      { ...drained, notReadyAfterMs: undefined, readyUntilMs: 499 },
    ],
    transports: [http],
  },
  abrupt: {
    records: [
      { ...gone, readyUntilMs: 24, stopMs: 46 },
      { ...gone, stopMs: 27 },
    ],
    transports: [{ ...queue, lost: 0, duplicated: 3 }],
  },
  worker: { records: [drained, drained], transports: [] },
}

it.each([
  [
    'closing',
    'closes_before_draining',
    'calls were cut although every process ended with exit code 0 (the connection to',
  ],
  [
    'forgetful',
    'commits_early',
    '23 messages of test.verify.written.v1 were never handled to their end, but group forgetful',
  ],
  ['hanging', 'phase_failed', '2 times the phase "dispose providers" of the shutdown failed: providers could not be'],
  [
    'clinging',
    'phase_failed',
    '2 times the phase "onStop" of the shutdown failed: hooks failed: onStop hook say goodbye',
  ],
  ['hanging-worker', 'phase_failed', '2 times the phase "drain" of the shutdown failed: the service could not drain'],
  ['killed', 'ended_by_signal', '2 times a process was ended by SIGKILL and not by itself'],
  ['stubborn', 'never_drops_readiness', '2 times the probe did not say in time that an instance is not ready'],
  ['abrupt', 'not_drained', '2 times a process ended with exit code 0 before its shutdown was over'],
])('finds of the service "%s" that it is %s, and nothing else', (name, cause, begin) => {
  expect(causesOf(name)).toEqual([{ cause, message: expect.stringContaining(begin) as string }])
})

it('finds nothing of a worker that drains', () => {
  expect(causesOf('worker')).toEqual([])
})

function causesOf(name: string): ReturnType<typeof findCauses> {
  const rest = { lostBy: [], lags: undefined, startFailure: undefined, unledCount: 0, delayMs: 500 }
  const limits = { shutdownTimeoutMs: 10_000, records: [], transports: [] }
  return findCauses({ ...rest, ...limits, ...evidence[name] })
}
