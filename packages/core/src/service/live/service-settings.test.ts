import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConfigError, LifecycleError } from '../../error/setup-error.ts'
import { provide, token } from '../../handler/provider.ts'
import { task } from '../../handler/task.ts'
import { check } from '../../handler/check.ts'
import type { Logger } from '../../telemetry/log.ts'
import { integer, text } from '../config/config.ts'
import { secret } from '../config/secret.ts'
import { defineService } from '../define-service.ts'
import { forgetOwner } from '../process/process-owner.test-harness.ts'
import type { ServiceOptions } from '../service-options.ts'
import type { ConfigSources } from './config-sources.ts'
import type { Settings } from './live-setting.ts'
import { type MemorySource, memorySource } from './memory-source.test-harness.ts'

const config = {
  rate: integer('RATE', 1, { min: 1 }),
  region: text('REGION'),
  apiKey: secret(text('API_KEY', 'none')),
}
type Own = Settings<typeof config>

const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
const folders: string[] = []

afterEach(() => {
  vi.clearAllMocks()
  vi.useRealTimers()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function folderWith(texts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-settings-'))
  folders.push(folder)
  for (const [variable, content] of Object.entries(texts)) writeFileSync(join(folder, variable), content)
  return folder
}

type Options = Partial<ServiceOptions<typeof config>>

/** A service, and the settings it was given. */
function serviceWith(sources: ConfigSources | Options['configSources'], options: Options = {}) {
  const configSources = typeof sources === 'object' ? () => sources : sources
  const given = Promise.withResolvers<Own>()
  const service = defineService({
    name: 'user',
    version: '1.0.0',
    handlers: [],
    admin: false,
    config,
    ...(configSources && { configSources }),
    providers: (settings) => {
      given.resolve(settings)
      return []
    },
    ...options,
  })
  return { service, settings: given.promise }
}

const begin = { environment: {}, log }

describe('a service with sources of settings', () => {
  it('is given what they say at its start, and what they say later', async () => {
    const source = memorySource('m')
    const { service, settings } = serviceWith([source])
    const starting = service.start(begin)
    source.put({ REGION: 'eu', RATE: '2' })
    await using _started = await starting
    const own = await settings
    const rate = own.watch('rate')
    expect([own.region, own.rate, rate.current]).toEqual(['eu', 2, 2])
    source.put({ REGION: 'eu', RATE: '3' })
    await vi.waitFor(() => expect(rate.current).toBe(3))
    expect(own.rate).toBe(2)
  })

  it('may find out from its variables where they are', async () => {
    const folder = folderWith({ REGION: 'eu' })
    const seen: unknown[] = []
    const { service } = serviceWith((environment) => {
      seen.push([environment['CONSUL_HTTP_ADDR'], environment['REGION']])
      return [memorySource('m', {})]
    })
    const environment = { CONSUL_HTTP_ADDR: 'consul:8500', TENON_CONFIG_DIR: folder }
    await using _started = await service.start({ ...begin, environment })
    expect(seen).toEqual([['consul:8500', 'eu']])
  })

  it('has them made for each start, and closed at its end', async () => {
    const made: MemorySource[] = []
    const { service } = serviceWith(() => {
      const source = memorySource('m', { REGION: 'eu' })
      made.push(source)
      return [source]
    })
    for (const _start of [1, 2]) await (await service.start(begin)).stop()
    expect(made.map(({ closeCount }) => closeCount)).toEqual([1, 1])
    using _owner = { [Symbol.dispose]: forgetOwner }
    // What ends a process that lingers is not to end this one.
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    await service.run({ ...begin, onReady: (started) => void started.stop() })
    expect(made.map(({ closeCount }) => closeCount)).toEqual([1, 1, 1])
  })

  it('does not let them say what Tenon itself reads', async () => {
    const source = memorySource('m', { REGION: 'eu', TENON_HOST: '0.0.0.0' })
    const { service } = serviceWith([source], { admin: { port: 0 } })
    await using started = await service.start(begin)
    expect(started.addresses).toMatchObject([{ protocol: 'admin', host: '127.0.0.1' }])
    expect([...source.watches][0]?.variables).toEqual(['RATE', 'REGION', 'API_KEY'])
  })

  it('does not start without one that is required, and leaves no connection behind', async () => {
    const source = memorySource('consul config/user/')
    const { service } = serviceWith([source], { configTimeoutMs: 20 })
    await expect(service.start({ ...begin, environment: { REGION: 'eu' } })).rejects.toMatchObject({
      code: 'config.source_unavailable',
      message: expect.stringContaining('consul config/user/ could not be read within 20 ms'),
    })
    expect([service.state, source.watches.size, source.closeCount]).toEqual(['stopped', 0, 1])
  })

  it('starts without one that is not', async () => {
    const source = memorySource('m')
    const { service } = serviceWith([{ source, isRequired: false }], { configTimeoutMs: 20 })
    await using started = await service.start({ ...begin, environment: { REGION: 'eu' } })
    expect(started.state).toBe('ready')
  })

  it('gives the start up that still waits for them when it is asked to stop', async () => {
    const source = memorySource('m')
    const { service } = serviceWith([source])
    const refused = expect(service.start(begin)).rejects.toMatchObject({ code: 'service.stopped' })
    await vi.waitFor(() => expect(source.watches.size).toBe(1))
    await service.stop()
    await refused
    expect([service.state, source.watches.size, source.closeCount]).toEqual(['stopped', 0, 1])
  })

  it('names the one that a start waits for which takes too long', async () => {
    const { service } = serviceWith([memorySource('etcd config/')], { startTimeoutMs: 20, configTimeoutMs: 10_000 })
    const starting = service.start(begin)
    // Both times are over then, and either may come first.
    await expect(starting).rejects.toThrow(/etcd config\//)
  })

  it('says in /info what they are and what is refused', async () => {
    const source = memorySource('m', { REGION: 'eu' })
    const { service } = serviceWith([source], { admin: { port: 0 } })
    await using started = await service.start(begin)
    const info = async () => {
      const response = await fetch(`http://127.0.0.1:${started.addresses[0]?.port}/info`)
      return ((await response.json()) as { config: unknown }).config
    }
    const told = { name: 'm', toldAt: expect.stringMatching(/^\d{4}-.*Z$/) }
    expect(await info()).toEqual({ sources: [{ ...told, state: 'current' }], refused: [] })
    source.put({ REGION: 'eu', RATE: '0' })
    source.fail('connect ECONNREFUSED')
    await vi.waitFor(async () =>
      expect(await info()).toMatchObject({ sources: [{ state: 'current' }], refused: ['RATE'] }),
    )
    source.fail('connect ECONNREFUSED')
    expect(await info()).toMatchObject({ sources: [{ state: 'unreachable', trouble: 'connect ECONNREFUSED' }] })
  })

  it('is started without its own, or with others', async () => {
    const own = memorySource('own', { REGION: 'eu' })
    const { service } = serviceWith([own])
    await expect(service.start({ ...begin, configSources: false })).rejects.toMatchObject({ code: 'config.missing' })
    const other = memorySource('other', { REGION: 'us' })
    await using _started = await service.start({ ...begin, configSources: [other] })
    expect([own.watches.size, other.watches.size]).toEqual([0, 1])
  })

  it('hides a secret that came later in what a check says', async () => {
    const source = memorySource('m', { REGION: 'eu', API_KEY: 'first-key' })
    const { promise: isChanged, resolve: change } = Promise.withResolvers<void>()
    const { service, settings } = serviceWith([source], {
      checks: [
        check('store', async () => {
          await isChanged
          throw new Error('refused second-key, not first-key')
        }),
      ],
      admin: { port: 0 },
    })
    const starting = service.start(begin)
    const own = await settings
    source.put({ REGION: 'eu', API_KEY: 'second-key' })
    await vi.waitFor(() => expect(own.watch('apiKey').current.reveal()).toBe('second-key'))
    change()
    await using _started = await starting
    expect(JSON.stringify(vi.mocked(log.warn).mock.calls)).toContain('refused ***, not ***')
  })
})

describe('an end of a service', () => {
  it('ends a task that waits for the next value of a setting, and leaves no watch behind', async () => {
    const source = memorySource('m', { REGION: 'eu' })
    const settings = token<Own>('settings')
    const seen: number[] = []
    const { service } = serviceWith([source], {
      providers: (own) => [provide(settings, { create: () => own })],
      background: [
        task(
          'limits',
          async (own: Own) => {
            for await (const rate of own.watch('rate')) seen.push(rate)
          },
          { needs: [settings] },
        ),
      ],
    })
    const started = await service.start(begin)
    source.put({ REGION: 'eu', RATE: '2' })
    await vi.waitFor(() => expect(seen).toEqual([1, 2]))
    expect((await started.stop()).exitCode).toBe(0)
    expect([source.watches.size, source.closeCount]).toEqual([0, 1])
  })

  it('tells of a source that cannot be closed, and closes all else', async () => {
    const source = { ...memorySource('m', { REGION: 'eu' }), close: () => Promise.reject(new Error('stuck')) }
    const started = await serviceWith([source]).service.start(begin)
    const { exitCode, phases } = await started.stop()
    expect(exitCode).toBe(1)
    const failed = phases.filter(({ error }) => error !== undefined)
    expect(failed).toMatchObject([{ phase: 'dispose providers', error: { errors: [{ message: 'stuck' }] } }])
  })
})

describe('mounted files', () => {
  it('are followed once somebody watches a setting, each in its place before sources', async () => {
    const [first, second] = [folderWith({ RATE: '2' }), folderWith({ RATE: '3', REGION: 'eu' })]
    const source = memorySource('m', { RATE: '4' })
    const { service, settings } = serviceWith([source], { admin: { port: 0 } })
    const environment = { TENON_CONFIG_DIR: [first, second].join(delimiter) }
    await using started = await service.start({ ...begin, environment })
    const sources = async () => {
      const info = await (await fetch(`http://127.0.0.1:${started.addresses[0]?.port}/info`)).json()
      return (info as { config: { sources: { name: string }[] } }).config.sources.map(({ name }) => name)
    }
    expect(await sources()).toEqual(['m'])
    const rate = (await settings).watch('rate')
    expect(await sources()).toEqual([`files ${first}`, `files ${second}`, 'm'])
    expect(rate.current).toBe(2)
    writeFileSync(join(first, 'RATE'), '5\n')
    await vi.waitFor(() => expect(rate.current).toBe(5), 5_000)
    rmSync(join(first, 'RATE'))
    await vi.waitFor(() => expect(rate.current).toBe(3), 5_000)
    writeFileSync(join(second, 'RATE'), 'fast')
    await vi.waitFor(
      () =>
        expect(log.error).toHaveBeenCalledWith(
          expect.objectContaining({ variable: 'RATE', found: '"fast"', origin: join(second, 'RATE') }),
          expect.any(String),
        ),
      5_000,
    )
    expect(rate.current).toBe(3)
  })
})

describe('a service that is only looked at', () => {
  const source = { ...memorySource('consul config/user/'), connectsTo: ['http://key:secret@consul:8500', 'consul'] }

  it('asks no source, and misses nothing that one may have', async () => {
    const { service, settings } = serviceWith([source, { source: memorySource('etcd'), isRequired: false }])
    expect(await service.check(begin)).toEqual({ ok: true, problems: [] })
    expect((await settings).watch('rate').current).toBe(1)
    expect(await service.check({ ...begin, environment: { RATE: 'x' } })).toMatchObject({
      problems: [{ code: 'config.malformed', message: expect.stringContaining('found "x"') }],
    })
    expect(service.describe(begin).configSources).toEqual([
      { name: 'consul config/user/', isRequired: true, connectsTo: ['consul:8500'] },
      { name: 'etcd', isRequired: false },
    ])
    expect(service.describe(begin).settings).toMatchObject([{}, { name: 'region', isRequired: true }, {}])
    expect(source.watches.size).toBe(0)
  })

  it('without a source misses what is not set, and describes none', async () => {
    const { service } = serviceWith(undefined)
    expect(await service.check(begin)).toMatchObject({ problems: [{ code: 'config.missing' }] })
    expect(service.describe(begin)).not.toHaveProperty('configSources')
  })

  it('tells of sources that are none, and of a function that fails, as its start does', async () => {
    const none = [undefined, {}] as unknown as ConfigSources
    const message = 'expected a source such as consulSource() gives, or { source, isRequired }, found something else'
    const problems = [
      { code: 'config.malformed', message: `configSources[0]: ${message}` },
      { code: 'config.malformed', message: `configSources[1]: ${message}` },
    ] as const
    const broken = serviceWith(none).service
    expect((await broken.check({ environment: { REGION: 'eu' } })).problems).toEqual(problems)
    await expect(broken.start({ ...begin, environment: { REGION: 'eu' } })).rejects.toEqual(new ConfigError(problems))
    const failing = serviceWith(() => {
      throw new Error('no address')
    }).service
    await expect(failing.start(begin)).rejects.toThrow('configSources failed: no address')
    const refusing = serviceWith(() => {
      throw new LifecycleError([{ code: 'service.state', message: 'as it is' }])
    }).service
    await expect(refusing.start(begin)).rejects.toMatchObject({ problems: [{ message: 'as it is' }, {}] })
  })
})

describe('changeSettings', () => {
  it('changes what is watched, and refuses what is no setting', async () => {
    const { service, settings } = serviceWith(undefined)
    await using started = await service.start({ ...begin, settings: { region: 'eu' } })
    const own = await settings
    started.changeSettings({ region: 'us', apiKey: 'changed' })
    expect([own.region, own.watch('region').current, own.watch('apiKey').current.reveal()]).toEqual([
      'eu',
      'us',
      'changed',
    ])
    // @ts-expect-error -- there is no such setting
    expect(() => started.changeSettings({ zone: 'a' })).toThrow(ConfigError)
  })
})
