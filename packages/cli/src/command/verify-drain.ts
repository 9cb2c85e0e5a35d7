import { runChild } from '../child/run-child.ts'
import type { ReadinessPlace } from '../verify/drain-task.ts'
import { type Command, UsageError } from './command.ts'

export const verifyDrainCommand: Command = {
  usage: 'verify drain <service.ts>…',
  summary: 'Restarts services under load, as a rolling update does, and says what became of every call and message.',
  options: {
    restarts: { type: 'string', value: '<count>', about: 'of each service; 20 unless given' },
    rate: {
      type: 'string',
      value: '<per second>',
      about: 'calls of each protocol, and messages, of each service; 50 unless given',
    },
    samples: {
      type: 'string',
      value: '<file>',
      about: 'inputs, by operation or topic; made from the schemas unless given',
    },
    export: { type: 'string', value: '<name>', about: 'which service of each file; the only one unless given' },
    'deregister-delay-ms': {
      type: 'string',
      value: '<ms>',
      about: 'in the place of the one that the service has in Kubernetes, 5000 or less unless it was written',
    },
    readiness: {
      type: 'string',
      value: '<protocol:path>',
      about: 'where the balancer asks; admin:/readyz unless given',
    },
    'start-timeout-ms': {
      type: 'string',
      value: '<ms>',
      about: 'longest wait until an instance is ready; 60000 unless given',
    },
    'settle-ms': {
      type: 'string',
      value: '<ms>',
      about: 'messages of which nothing came for so long at the end are lost; 15000 unless given',
    },
    json: { type: 'boolean', about: 'prints the report as JSON' },
  },
  notes: ['Exit codes: 0 nothing failed or was lost, 1 something was, 2 nothing could be said.'],
  run: async (given, surroundings) => {
    const [first, ...others] = given.positionals
    if (first === undefined) throw new UsageError('expected one or more files of services, found none')
    const delay = given.text('deregister-delay-ms')
    const task = {
      kind: 'verify_drain',
      services: [first, ...others].map((file) => ({ file, exportName: given.text('export') })),
      samplesFile: given.text('samples'),
      restartCount: given.whole('restarts', { min: 1, max: 10_000, fallback: 20 }),
      perSecond: given.whole('rate', { min: 1, max: 10_000, fallback: 50 }),
      deregisterDelayMs:
        delay === undefined ? undefined : given.whole('deregister-delay-ms', { min: 0, max: 60_000, fallback: 0 }),
      readiness: readinessOf(given.text('readiness') ?? 'admin:/readyz'),
      startTimeoutMs: given.whole('start-timeout-ms', { min: 1, max: 600_000, fallback: 60_000 }),
      settleMs: given.whole('settle-ms', { min: 1, max: 600_000, fallback: 15_000 }),
      isJson: given.isSet('json'),
    } as const
    return runChild(task, first, surroundings)
  },
}

function readinessOf(text: string): ReadinessPlace {
  const [, protocol, path] = /^([a-z]+):(\/[!-~]*)$/.exec(text) ?? []
  if (protocol !== undefined && path !== undefined) return { protocol, path }
  throw new UsageError(
    `--readiness: expected a protocol and a path such as http:/healthz, found ${JSON.stringify(text)}`,
  )
}
