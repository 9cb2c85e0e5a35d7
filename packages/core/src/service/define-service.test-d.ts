import { expectTypeOf } from 'vitest'
import { flag, integer, list, optional, port, type SettingsOf, text } from './config/config.ts'
import { defineService, type Service } from './define-service.ts'
import type { LiveSetting } from './live/live-setting.ts'
import { type Secret, secret } from './config/secret.ts'

const config = {
  httpPort: port('HTTP_PORT', 3001),
  poolSize: integer('POOL_SIZE'),
  region: text('REGION'),
  databaseUrl: optional('DATABASE_URL'),
  brokers: list('BROKERS', []),
  isVerbose: flag('VERBOSE', false),
  apiKey: secret(text('API_KEY')),
  proxyUrl: secret(optional('PROXY_URL')),
}
class Needy {
  readonly db: string
  constructor(db: string) {
    this.db = db
  }
}
const base = { name: 'user', version: '1.0.0', handlers: [] }

// What fits.
expectTypeOf<SettingsOf<typeof config>>().toEqualTypeOf<{
  readonly httpPort: number
  readonly poolSize: number
  readonly region: string
  readonly databaseUrl: string | undefined
  readonly brokers: readonly string[]
  readonly isVerbose: boolean
  readonly apiKey: Secret<string>
  readonly proxyUrl: Secret<string> | undefined
}>()
defineService({
  ...base,
  config,
  transports: ({ httpPort, databaseUrl }) => (httpPort.toFixed(), databaseUrl?.trim(), []),
  admin: ({ httpPort }) => ({ port: httpPort + 1 }),
})

defineService({
  ...base,
  config,
  configSources: ({ CONSUL_HTTP_ADDR = '' }) => (CONSUL_HTTP_ADDR.trim(), []),
  providers: (settings) => {
    expectTypeOf(settings.watch('httpPort')).toEqualTypeOf<LiveSetting<number>>()
    expectTypeOf(settings.watch('apiKey').current).toEqualTypeOf<Secret>()
    expectTypeOf(settings.watch().current).toEqualTypeOf<SettingsOf<typeof config>>()
    settings.watch('databaseUrl').onChange((url) => expectTypeOf(url).toEqualTypeOf<string | undefined>())
    return []
  },
})

// @ts-expect-error -- there is no such setting to watch
defineService({ ...base, config, providers: (settings) => (settings.watch('httpport'), []) })
// @ts-expect-error -- a live port is no text
defineService({ ...base, config, providers: (settings) => (settings.watch('httpPort').current.trim(), []) })
// @ts-expect-error -- there is no such setting
defineService({ ...base, config, providers: ({ httpport }) => [httpport] })
// @ts-expect-error -- a port is no text
defineService({ ...base, config, providers: ({ httpPort }) => (httpPort.trim(), []) })
// @ts-expect-error -- an optional setting may be undefined
defineService({ ...base, config, providers: ({ databaseUrl }) => (databaseUrl.trim(), []) })
// @ts-expect-error -- a secret is no text: it must be revealed
defineService({ ...base, config, providers: ({ apiKey }) => (apiKey.trim(), []) })
// @ts-expect-error -- a service without config has no settings
defineService({ ...base, providers: ({ httpPort }) => [httpPort] })
// @ts-expect-error -- a service has a version
defineService({ name: 'user', handlers: [] })
// @ts-expect-error -- a handler's constructor takes nothing
defineService({ ...base, handlers: [Needy] })
// @ts-expect-error -- an instance is no handler; the service constructs it
defineService({ ...base, handlers: [new (class {})()] })
// @ts-expect-error -- the fallback of a port is a number
port('HTTP_PORT', '3001')
// @ts-expect-error -- the fallback of a flag is true or false
flag('VERBOSE', 'yes')

// What one start does otherwise.
const service = defineService({ ...base, config })
void service.start({ settings: { httpPort: 0, apiKey: 'k', proxyUrl: undefined, brokers: ['a:1'] } })
expectTypeOf(service).toExtend<Service>()
expectTypeOf(defineService(base)).toExtend<Service>()

// @ts-expect-error -- there is no such setting
void service.start({ settings: { httpport: 0 } })
// @ts-expect-error -- a port is a number
void service.start({ settings: { httpPort: '0' } })
