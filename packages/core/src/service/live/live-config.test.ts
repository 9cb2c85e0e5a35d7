import { metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../error/setup-error.ts'
import type { ConfigSource } from '../../registry/config-source.ts'
import type { Logger } from '../../telemetry/log.ts'
import { type ConfigSpec, type Environment, integer, list, optional, text } from '../config/config.ts'
import { findVariables } from '../config/find-variables.ts'
import { secret } from '../config/secret.ts'
import type { ChosenSource } from './config-sources.ts'
import { LiveConfig } from './live-config.ts'
import { memorySource } from './memory-source.test-harness.ts'

const config = {
  rate: integer('RATE', 1, { min: 1, max: 100 }),
  region: text('REGION'),
  brokers: list('BROKERS', []),
  apiKey: secret(integer('API_KEY', 7)),
  note: optional('NOTE'),
}

interface Live<Config extends ConfigSpec> {
  readonly spec?: Config
  readonly environment?: Environment
  readonly sources: readonly ConfigSource[]
  readonly isRequired?: boolean
  readonly given?: Readonly<Record<string, unknown>>
}

function logOf() {
  const lines: unknown[] = []
  const note = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message])
  const log: Logger = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    child: () => log,
  }
  return { log, lines }
}

function liveOf({ environment = {}, sources, isRequired = true, given = {} }: Live<typeof config>) {
  const chosen: readonly ChosenSource[] = sources.map((source) => ({ source, isRequired }))
  const variables = Object.values(config).map(({ variable }) => variable)
  const { places } = findVariables({ environment, variables })
  const live = new LiveConfig({ spec: config, places, sources: chosen, given })
  const { log, lines } = logOf()
  const { signal } = new AbortController()
  const open = (timeoutMs = 10_000) => live.open({ service: 'user', log }, { signal, timeoutMs })
  return { live, lines, open }
}

/** Until what sources have told has arrived. */
const arrived = () => new Promise<void>((resolve) => setImmediate(resolve))

const running: LiveConfig<typeof config>[] = []

async function openedOf(options: Live<typeof config>) {
  const { live, lines, open } = liveOf(options)
  running.push(live)
  const settings = await open()
  return { live, lines, settings }
}

afterEach(async () => {
  metrics.disable()
  vi.useRealTimers()
  for (const live of running.splice(0)) await live.close()
})

describe('a start', () => {
  it('takes from the first source that has it what the environment does not say', async () => {
    const first = memorySource('first', { RATE: '2', REGION: '' })
    const second = memorySource('second', { RATE: '3', REGION: 'eu', NOTE: 'b' })
    const { settings } = await openedOf({ environment: { NOTE: 'a' }, sources: [first, second] })
    expect(settings).toEqual({ rate: 2, region: 'eu', brokers: [], apiKey: settings.apiKey, note: 'a' })
    expect(settings.apiKey?.reveal()).toBe(7)
    expect(Object.isFrozen(settings)).toBe(true)
    expect(Object.keys(settings)).not.toContain('watch')
    expect([...first.watches][0]?.variables).toEqual(['RATE', 'REGION', 'BROKERS', 'API_KEY', 'NOTE'])
  })

  it('takes values that are given before all', async () => {
    const { settings } = await openedOf({
      sources: [memorySource('m', { REGION: 'eu', RATE: '2' })],
      given: { rate: 50 },
    })
    expect(settings).toMatchObject({ rate: 50, region: 'eu' })
  })

  it('names all that is wrong, and the source it was found in', async () => {
    const { live, open } = liveOf({ sources: [memorySource('consul config/user/', { RATE: '0', API_KEY: 'hunter2' })] })
    running.push(live)
    await expect(open()).rejects.toEqual(
      new ConfigError([
        {
          code: 'config.malformed',
          message: 'RATE (setting rate): expected a whole number from 1 to 100, found "0" in consul config/user/',
        },
        { code: 'config.missing', message: 'REGION (setting region) is not set: expected text' },
        {
          code: 'config.malformed',
          message: `API_KEY (setting apiKey): expected ${config.apiKey.expected}, found *** in consul config/user/`,
        },
      ]),
    )
  })

  it('fails with every required source that has told nothing in time, and its last trouble', async () => {
    vi.useFakeTimers()
    const [silent, refused] = [memorySource('etcd config/'), memorySource('consul config/')]
    const { live, open } = liveOf({ sources: [silent, refused, memorySource('there', {})] })
    running.push(live)
    const opening = expect(open(10_000)).rejects.toEqual(
      new ConfigError([
        {
          code: 'config.source_unavailable',
          message:
            'configSources: etcd config/ could not be read within 10000 ms (configTimeoutMs): it said nothing; make it reachable, or let the service start without it with { source, isRequired: false }',
        },
        {
          code: 'config.source_unavailable',
          message:
            'configSources: consul config/ could not be read within 10000 ms (configTimeoutMs): 403 forbidden; make it reachable, or let the service start without it with { source, isRequired: false }',
        },
      ]),
    )
    await vi.advanceTimersByTimeAsync(0)
    expect(live.pending).toEqual(['etcd config/', 'consul config/'])
    refused.fail('no leader')
    refused.fail('403 forbidden')
    await vi.advanceTimersByTimeAsync(10_000)
    await opening
  })

  it('goes on without a source that is not required, and follows it once it is there', async () => {
    vi.useFakeTimers()
    const source = memorySource('consul config/')
    const { live, open, lines } = liveOf({ environment: { REGION: 'eu' }, sources: [source], isRequired: false })
    running.push(live)
    const opening = open(10_000)
    await vi.advanceTimersByTimeAsync(10_000)
    const settings = await opening
    expect(lines).toEqual([
      ['warn', { source: 'consul config/' }, expect.stringContaining('starts without a source of settings')],
    ])
    const rate = settings.watch('rate')
    source.put({ RATE: '9' })
    await vi.advanceTimersByTimeAsync(0)
    expect([settings.rate, rate.current]).toEqual([1, 9])
  })

  it('ends with the reason of its signal', async () => {
    const { live } = liveOf({ sources: [memorySource()] })
    running.push(live)
    const stop = new AbortController()
    const reason = new Error('asked to stop')
    const opening = live.open({ service: 'user', log: logOf().log }, { signal: stop.signal, timeoutMs: 3_600_000 })
    stop.abort(reason)
    await expect(opening).rejects.toBe(reason)
  })

  it('connects to nothing before, and lets settings be watched that never change', () => {
    const source = memorySource('m', { REGION: 'eu' })
    const { live } = liveOf({ environment: { REGION: 'us' }, sources: [source] })
    expect(live.settings.watch('region').current).toBe('us')
    expect(live.settings.watch().current).toMatchObject({ region: 'us' })
    expect(source.watches.size).toBe(0)
  })

  it('refuses a setting that has the name of watch()', () => {
    const spec = { watch: text('WATCH') }
    const { places } = findVariables({ environment: { WATCH: 'x' }, variables: ['WATCH'] })
    expect(new LiveConfig({ spec, places, sources: [], given: {} }).problems).toEqual([
      { code: 'config.malformed', message: expect.stringMatching(/^config: no setting can have the name watch/) },
    ])
  })
})

describe('a live setting', () => {
  it('has the newest value, while the setting keeps that of the start', async () => {
    const source = memorySource('m', { REGION: 'eu', RATE: '2' })
    const { settings } = await openedOf({ sources: [source] })
    const rate = settings.watch('rate')
    const told: number[] = []
    rate.onChange((value) => told.push(value))
    source.put({ REGION: 'eu', RATE: '3' })
    await arrived()
    expect([settings.rate, rate.current, told]).toEqual([2, 3, [3]])
    expect(settings.watch('rate').current).toBe(3)
  })

  it('is one change of all settings, however many variables a source changes at once', async () => {
    const source = memorySource('m', { REGION: 'eu', RATE: '2' })
    const { settings } = await openedOf({ sources: [source] })
    const told: unknown[] = []
    settings.watch().onChange(({ rate, region }) => told.push({ rate, region }))
    source.put({ REGION: 'us', RATE: '3' })
    await arrived()
    expect(told).toEqual([{ rate: 3, region: 'us' }])
    expect(Object.isFrozen(settings.watch().current)).toBe(true)
  })

  it('is the same value as long as its text is, and tells of no change then', async () => {
    const source = memorySource('m', { REGION: 'eu', BROKERS: 'a,b', API_KEY: '1' })
    const { settings, lines } = await openedOf({ sources: [source] })
    const told: unknown[] = []
    settings.watch().onChange((all) => told.push(all))
    const { brokers, apiKey } = settings.watch().current
    source.put({ REGION: 'eu', BROKERS: 'a,b', API_KEY: '1' })
    await arrived()
    expect([told, lines]).toEqual([[], []])
    source.put({ REGION: 'us', BROKERS: 'a,b', API_KEY: '1' })
    await arrived()
    expect(told).toHaveLength(1)
    expect(settings.watch('brokers').current).toBe(brokers)
    expect(settings.watch('apiKey').current).toBe(apiKey)
  })

  it('stays a secret', async () => {
    const source = memorySource('m', { REGION: 'eu' })
    const { live, settings, lines } = await openedOf({ sources: [source] })
    source.put({ REGION: 'eu', API_KEY: '987654' })
    await arrived()
    const { current } = settings.watch('apiKey')
    expect([String(current), current?.reveal()]).toEqual(['***', 987_654])
    expect(live.hide('wrong key 987654')).toBe('wrong key ***')
    source.put({ REGION: 'eu', API_KEY: '123456' })
    await arrived()
    expect(live.hide('neither 123456 nor 987654')).toBe('neither *** nor ***')
    expect(JSON.stringify(lines)).not.toContain('987654')
  })

  it('falls back where its variable is removed from a source', async () => {
    const [first, second] = [memorySource('first', { REGION: 'eu', RATE: '2' }), memorySource('second', { RATE: '3' })]
    const { settings } = await openedOf({ sources: [first, second] })
    const rate = settings.watch('rate')
    first.put({ REGION: 'eu' })
    await arrived()
    expect(rate.current).toBe(3)
    second.put({ RATE: '' })
    await arrived()
    expect(rate.current).toBe(1)
  })

  it('does not exist for what is no setting', async () => {
    const { settings } = await openedOf({ sources: [memorySource('m', { REGION: 'eu' })] })
    expect(() => settings.watch('toString' as 'rate')).toThrow(
      "settings: expected names of the service's settings (rate, region, brokers, apiKey, note), found toString",
    )
  })

  it('changes with values that are given anew, which count before sources from then on', async () => {
    const source = memorySource('m', { REGION: 'eu' })
    const { live, settings } = await openedOf({ sources: [source] })
    const told: unknown[] = []
    settings.watch().onChange(({ rate, apiKey }) => told.push([rate, apiKey?.reveal()]))
    live.give({ rate: 5, apiKey: 8 })
    source.put({ REGION: 'eu', RATE: '6' })
    await arrived()
    expect(told).toEqual([[5, 8]])
    expect(() => live.give({ unknown: 1 })).toThrow(ConfigError)
  })
})

describe('a value that cannot be used', () => {
  const refused = {
    variable: 'RATE',
    setting: 'rate',
    expected: 'a whole number from 1 to 100',
    found: '"fast"',
    origin: 'm',
  }

  it('leaves the last good one in force, and the others change', async () => {
    const source = memorySource('m', { REGION: 'eu', RATE: '2' })
    const { live, settings, lines } = await openedOf({ sources: [source] })
    const told: unknown[] = []
    settings.watch().onChange(({ rate, region }) => told.push({ rate, region }))
    source.put({ REGION: 'us', RATE: 'fast' })
    await arrived()
    expect(told).toEqual([{ rate: 2, region: 'us' }])
    expect(live.state.refused).toEqual(['RATE'])
    expect(lines).toEqual([
      ['error', refused, 'a new value of a setting cannot be used; the last good one stays in force'],
      ['info', { settings: ['region'] }, 'settings have changed'],
    ])
  })

  it('is told of once, and when it is good again', async () => {
    const source = memorySource('m', { REGION: 'eu', RATE: '2' })
    const { live, lines } = await openedOf({ sources: [source] })
    for (const region of ['eu', 'us']) {
      source.put({ REGION: region, RATE: 'fast' })
      await arrived()
    }
    source.put({ REGION: 'us', RATE: 'slow' })
    await arrived()
    source.put({ REGION: 'us', RATE: '2' })
    await arrived()
    expect(live.state.refused).toEqual([])
    expect(lines).toEqual([
      ['error', refused, expect.any(String)],
      ['info', { settings: ['region'] }, expect.any(String)],
      ['error', { ...refused, found: '"slow"' }, expect.any(String)],
      ['info', { setting: 'rate', variable: 'RATE' }, 'a setting can be used again'],
    ])
  })

  it('is also a required one with nothing left', async () => {
    const source = memorySource('m', { REGION: 'eu' })
    const { live, settings, lines } = await openedOf({ sources: [source] })
    source.put({})
    await arrived()
    expect(settings.watch('region').current).toBe('eu')
    expect(live.state.refused).toEqual(['REGION'])
    const missing = { variable: 'REGION', setting: 'region', expected: 'text', found: undefined, origin: undefined }
    expect(lines).toEqual([['error', missing, expect.any(String)]])
  })

  it('shows no secret', async () => {
    const source = memorySource('m', { REGION: 'eu', API_KEY: '5' })
    const { settings, lines } = await openedOf({ sources: [source] })
    source.put({ REGION: 'eu', API_KEY: 'hunter2' })
    await arrived()
    expect(settings.watch('apiKey').current?.reveal()).toBe(5)
    expect(lines).toMatchObject([['error', { variable: 'API_KEY', found: '***' }, expect.any(String)]])
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  it('is counted', async () => {
    const add = vi.fn()
    const createCounter = vi.fn(() => ({ add }))
    metrics.setGlobalMeterProvider({ getMeter: () => ({ createCounter }) } as unknown as MeterProvider)
    const source = memorySource('m', { REGION: 'eu' })
    await openedOf({ sources: [source] })
    source.put({ REGION: 'eu', RATE: 'fast' })
    await arrived()
    expect(createCounter).toHaveBeenCalledWith(
      'tenon.config.refused_values',
      expect.objectContaining({ unit: '{value}' }),
    )
    expect(add.mock.calls).toEqual([[1, { 'tenon.service': 'user', 'tenon.config.variable': 'RATE' }]])
  })
})

describe('an outage', () => {
  it('leaves the last values in force, and is told of once, and when it is over', async () => {
    const source = memorySource('consul config/', { REGION: 'eu', RATE: '2' })
    const { live, settings, lines } = await openedOf({ sources: [source] })
    expect(live.state.sources).toEqual([{ name: 'consul config/', state: 'current', toldAt: expect.any(String) }])
    for (const message of ['connect ECONNREFUSED', 'connect ETIMEDOUT']) source.fail(message)
    expect(live.state.sources).toMatchObject([{ state: 'unreachable', trouble: 'connect ETIMEDOUT' }])
    expect(settings.watch('rate').current).toBe(2)
    source.put({ REGION: 'eu', RATE: '2' })
    await arrived()
    expect(live.state.sources).toEqual([{ name: 'consul config/', state: 'current', toldAt: expect.any(String) }])
    source.fail('connect ECONNREFUSED')
    const warned = { source: 'consul config/', reason: 'connect ECONNREFUSED' }
    expect(lines).toEqual([
      ['warn', warned, expect.stringContaining('stays in force')],
      ['info', { source: 'consul config/' }, expect.any(String)],
      ['warn', warned, expect.any(String)],
    ])
  })

  it('is told of without a secret', async () => {
    const source = memorySource('m', { REGION: 'eu', API_KEY: '987654' })
    const { live, lines } = await openedOf({ sources: [source] })
    source.fail('refused the key 987654')
    expect(live.state.sources).toMatchObject([{ trouble: 'refused the key ***' }])
    expect(JSON.stringify(lines)).not.toContain('987654')
  })

  it.each([
    ['throws', 'broken', () => Promise.reject(new Error('broken'))],
    ['ends', 'it ended', () => Promise.resolve({ done: true as const, value: undefined })],
  ])('of a source whose watch %s begins a new one, later', async (_what, reason, next) => {
    vi.useFakeTimers()
    const good = memorySource('odd', { REGION: 'eu' })
    let watchCount = 0
    const source: ConfigSource = {
      name: 'odd',
      watch: (options) => {
        watchCount += 1
        return watchCount === 1 ? { [Symbol.asyncIterator]: () => ({ next }) } : good.watch(options)
      },
    }
    const { live, open, lines } = liveOf({ sources: [source] })
    running.push(live)
    const opening = open()
    await vi.advanceTimersByTimeAsync(0)
    expect(watchCount).toBe(1)
    await vi.advanceTimersByTimeAsync(100)
    expect((await opening).region).toBe('eu')
    expect(watchCount).toBe(2)
    expect(lines).toEqual([
      ['warn', { source: 'odd', reason }, expect.any(String)],
      ['info', { source: 'odd' }, expect.any(String)],
    ])
  })
})

describe('an end', () => {
  it('leaves no watch and no connection behind, and ends who waits', async () => {
    const source = memorySource('m', { REGION: 'eu' })
    const { live, settings } = await openedOf({ sources: [source] })
    const steps = settings.watch('region')[Symbol.asyncIterator]()
    await steps.next()
    const waiting = steps.next()
    live.end()
    expect((await waiting).done).toBe(true)
    await live.close()
    await live.close()
    expect([source.watches.size, source.closeCount > 0]).toEqual([0, true])
    expect(settings.watch('region').current).toBe('eu')
  })

  it('is no outage, whatever a source says of it', async () => {
    const source = memorySource('m', { REGION: 'eu' })
    const { live, lines } = await openedOf({ sources: [source] })
    const [watch] = source.watches
    watch?.signal.addEventListener('abort', () => watch.onTrouble?.(new Error('cut')))
    await live.close()
    expect(lines).toEqual([])
  })

  it('tells what could not be closed, when all are', async () => {
    const [first, second] = [memorySource('first', { REGION: 'eu' }), memorySource('second', {})]
    const failure = new Error('stuck')
    const { live, open } = liveOf({ sources: [{ ...first, close: () => Promise.reject(failure) }, second] })
    await open()
    await expect(live.close()).rejects.toMatchObject({ errors: [failure] })
    expect(second.closeCount).toBe(1)
  })
})
