import { describe, expect, it } from 'vitest'
import type { ClientChannel, ClientTransport } from '../client/client-transport.ts'
import { clientOf, remote } from '../client/remote.ts'
import { contract } from '../contract/contract.ts'
import { ConfigError } from '../error/setup-error.ts'
import { defineHandler } from '../handler/define-handler.ts'
import { inject } from '../handler/inject.ts'
import { type Provider, provide, token } from '../handler/provider.ts'
import type { Registrar } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Transport } from '../transport/transport.ts'
import { optional, port, text } from './config/config.ts'
import { defineService } from './define-service.ts'
import { type Secret, secret } from './config/secret.ts'
import type { StartOptions } from './start-options.ts'
import Type from 'typebox'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const Empty = Type.Object({})
const things = contract('a.v1.Things', { act: { input: Empty, output: Empty } })
const others = contract('a.v1.Others', { act: { input: Empty, output: Empty } })
const config = { httpPort: port('HTTP_PORT'), apiKey: secret(text('API_KEY')), databaseUrl: optional('DATABASE_URL') }

interface Seen {
  readonly httpPort: number
  readonly apiKey: Secret
  readonly databaseUrl: string | undefined
}

const Settings = token<Seen>('Settings')

function transport(name: string, bound: string[]): Transport {
  const server = { listen: async () => [], withdraw() {}, drain: async () => undefined, close: async () => undefined }
  return {
    name,
    carries: () => true,
    bind: () => {
      bound.push(name)
      return server
    },
  }
}

/** Starts a service that has everything, and tells what came of it. */
async function startWith(start: StartOptions<typeof config>) {
  const made: string[] = []
  const bound: string[] = []
  let seen: Seen | undefined
  const registrar: Registrar = {
    announce: async () => {
      made.push('registration')
      return { lost: new AbortController().signal, update: async () => undefined, withdraw: async () => undefined }
    },
  }
  const service = defineService({
    name: 'things',
    version: '1.0.0',
    config,
    deregisterDelayMs: 0,
    handlers: [
      defineHandler(things, () => {
        seen = inject(Settings)
        return { act: () => ({}) }
      }),
    ],
    providers: (settings) => [provide(Settings, { create: () => settings })],
    transports: () => {
      made.push('transports')
      return [transport('own', bound)]
    },
    registry: () => registrar,
    admin: { port: 0 },
  })
  const started = await service.start({ log, environment: {}, settings: { httpPort: 1, apiKey: 'k' }, ...start })
  const { addresses } = started
  await started.stop()
  return { made, bound, seen, protocols: addresses.map(({ protocol }) => protocol) }
}

describe('what a start does otherwise than the definition says', () => {
  it('is nothing where nothing is said', async () => {
    expect(await startWith({})).toMatchObject({
      made: ['transports', 'registration'],
      bound: ['own'],
      protocols: ['admin'],
    })
  })

  it('gives settings values in the place of their variables, and hides secrets all the same', async () => {
    const environment = { HTTP_PORT: '9', API_KEY: 'from the environment', DATABASE_URL: 'x' }
    const { seen } = await startWith({
      environment,
      settings: { httpPort: 2, apiKey: 'given', databaseUrl: undefined },
    })
    expect(seen).toMatchObject({ httpPort: 2, databaseUrl: undefined })
    expect([String(seen?.apiKey), seen?.apiKey.reveal()]).toEqual(['***', 'given'])
    const again = await startWith({ environment, ...(seen && { settings: { apiKey: seen.apiKey } }) })
    expect(again.seen?.apiKey.reveal()).toBe('given')
    expect(again.seen?.httpPort).toBe(9)
  })

  it('refuses a value for a setting that there is none of', async () => {
    const starting = startWith({ settings: { httpPort: 2, apiKey: 'k', htpPort: 1 } as never })
    await expect(starting).rejects.toThrow(ConfigError)
    await expect(starting).rejects.toThrow(
      "settings: expected names of the service's settings (httpPort, apiKey, databaseUrl), found htpPort",
    )
  })

  it('takes other transports, without making those of the service', async () => {
    const bound: string[] = []
    expect(await startWith({ transports: [transport('other', bound)] })).toMatchObject({ made: ['registration'] })
    expect(bound).toEqual(['other'])
  })

  it('takes transports made of its own', async () => {
    const bound: string[] = []
    const { bound: own } = await startWith({ transports: (given) => [...given, transport('other', bound)] })
    expect([own, bound]).toEqual([['own'], ['other']])
  })

  it('leaves out the registration and the server of probes', async () => {
    expect(await startWith({ registry: false, admin: false })).toMatchObject({ made: ['transports'], protocols: [] })
  })

  it('lets a check look at other transports, of which the own ones are told', async () => {
    const bound: string[] = []
    const service = defineService({
      name: 'things',
      version: '1.0.0',
      handlers: [defineHandler(things, () => ({ act: () => ({}) }))],
      transports: () => [transport('own', bound)],
    })
    const seen: string[] = []
    const check = await service.check({
      environment: {},
      transports: (own) => {
        seen.push(...own.map(({ name }) => name))
        return [transport('other', bound)]
      },
    })
    expect({ ok: check.ok, seen, bound }).toEqual({ ok: true, seen: ['own'], bound: ['other'] })
    expect(service.describe({ environment: {}, transports: [transport('third', bound)] }).transports).toMatchObject([
      { name: 'third' },
    ])
  })

  it('moves the clients of other services elsewhere', async () => {
    const opened: string[] = []
    const via: ClientTransport = {
      name: 'test',
      open: ({ address }) => {
        opened.push(address)
        return { close: async () => undefined } as ClientChannel
      },
    }
    const service = defineService({
      name: 'things',
      version: '1.0.0',
      handlers: [
        defineHandler(things, () => {
          inject(clientOf(others))
          return { act: () => ({}) }
        }),
      ],
      remotes: () => [remote(others, { via, at: 'static:///a:1' })],
      transports: () => [transport('own', [])],
      admin: false,
    })
    const moved = (own: readonly Provider[]) => own.map((one) => one.remote?.movedTo('static:///b:2') ?? one)
    for (const start of [{}, { remotes: moved }]) await (await service.start({ log, environment: {}, ...start })).stop()
    expect(opened).toEqual(['a:1', 'b:2'])
  })

  it('takes another deregister delay, within the range of the own one', async () => {
    await expect(startWith({ deregisterDelayMs: 60_001 })).rejects.toThrow(
      'deregisterDelayMs must be from 0 to 60000, found 60001',
    )
  })
})
