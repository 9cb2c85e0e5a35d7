import { createServer } from 'node:http'
import type { TerminusOptions } from '@godaddy/terminus'
import { expect, test } from 'vitest'
import { adapterDefaults, terminusOptions } from './index.ts'
import { bareService, silent } from './team-server.test-harness.ts'

const optionsOf = (options: object) => terminusOptions(bareService(), createServer(), options)

test('terminus hears no signal, and cuts nothing by itself', () => {
  const { signal, signals, timeout, useExit0 } = optionsOf({})
  expect({ signal, signals, timeout, useExit0 }).toEqual({
    signal: 'tenon:unsent',
    signals: undefined,
    timeout: Number.POSITIVE_INFINITY,
    useExit0: undefined,
  })
})

test('what is given is kept, and the defaults are those that are told', () => {
  expect(adapterDefaults.probes).toEqual({ livez: '/livez', readyz: '/readyz', startupz: '/startupz' })
  const headers = { 'x-team': 'a', 'cache-control': 'private' }
  expect(optionsOf({ headers }).headers).toEqual(headers)
  expect(optionsOf({}).headers).toEqual(adapterDefaults.headers)
  expect(optionsOf({ name: undefined, headers: undefined, probes: undefined }).headers).toEqual(adapterDefaults.headers)
})

test.each(['timeout', 'signal', 'signals', 'useExit0', 'sendFailuresDuringShutdown', 'onSendFailureDuringShutdown'])(
  'says what takes the place of %s',
  (name) => {
    const theirs: TerminusOptions = { [name]: 1 }
    expect(() => optionsOf({ ...theirs })).toThrow(new RegExp(`terminusOptions: leave out ${name}: .*(service|probe)`))
  },
)

test.each([
  [{ onShutdwn: 1 }, 'terminusOptions: "onShutdwn" is no option, perhaps onShutdown is meant'],
  [{ name: 'a b' }, 'name must be a word of up to 50 characters such as terminus, found "a b"'],
  [{ probes: { health: '/' } }, 'terminusOptions: probes: "health" is no option; expected livez, readyz, startupz'],
  [{ probes: { livez: 'live' } }, 'probes.livez must be a path such as /livez, or false, found "live"'],
  [{ probes: { livez: '/a?b' } }, 'probes.livez must be a path such as /livez, or false, found "/a?b"'],
  [{ probes: { livez: '/readyz' } }, 'two probes or healthChecks have the path /readyz: give one another'],
  [{ healthChecks: { '/livez': async () => 1 } }, 'two probes or healthChecks have the path /livez: give one another'],
  [
    { caseInsensitive: true, probes: { livez: '/READYZ' } },
    'two probes or healthChecks have the path /readyz: give one another',
  ],
  [
    { caseInsensitive: true, healthChecks: { '/LiveZ': async () => 1 } },
    'two probes or healthChecks have the path /livez: give one another',
  ],
  [
    { caseInsensitive: true, healthChecks: { '/db': async () => 1, '/DB': async () => 2 } },
    'two probes or healthChecks have the path /db: give one another',
  ],
])('refuses %j', (options, message) => {
  expect(() => optionsOf(options)).toThrow(message)
})

test('paths that differ in case are two unless caseInsensitive says otherwise', () => {
  expect(() => optionsOf({ probes: { livez: '/READYZ' }, healthChecks: { '/LiveZ': async () => 1 } })).not.toThrow()
})

test('attaches nothing when the options are wrong, and nothing to a service that runs', async () => {
  const service = bareService()
  expect(() => terminusOptions(service, createServer(), { name: '' })).toThrow('name must be')
  expect(service.describe().transports).toEqual([])
  await using _started = await service.start({ log: silent })
  expect(() => terminusOptions(service, createServer())).toThrow('service demo is ready: stop it before')
})

test('two servers of a service need names of their own', async () => {
  const service = bareService()
  for (const name of ['public', 'public', 'private']) terminusOptions(service, createServer(), { name })
  expect((await service.check()).problems).toMatchObject([{ code: 'wiring.duplicate_transport' }])
})
