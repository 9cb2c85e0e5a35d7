import { check, type ConfigSpec, defineService, provide, type ServiceOptions } from '@tenon/core'
import type { ComposedService } from './composed-service.ts'
import type { ServiceSource } from './settled-services.ts'

type Options<Config extends ConfigSpec> = Partial<ServiceOptions<Config>> & { readonly name: string }

/** A service of a compose file that is what its options make it, and what its own file sets. */
export function composed<Config extends ConfigSpec>(
  options: Options<Config>,
  ownSettings: Readonly<Record<string, string>> = {},
): ComposedService {
  return sourceOf(options, ownSettings).service
}

/** The same, to be described with other variables. */
export function sourceOf<Config extends ConfigSpec>(
  options: Options<Config>,
  ownSettings: Readonly<Record<string, string>> = {},
): ServiceSource {
  const { name } = options
  const service = defineService({ version: '1.0.0', handlers: [], ...options } as ServiceOptions<Config>)
  const describe = (environment: Readonly<Record<string, string>>) =>
    service.describe({ environment: { TENON_HOST: '0.0.0.0', ...environment } })
  return {
    service: { description: describe(ownSettings), ownSettings, image: { image: `${name}:1.0.0` } },
    describe: async (environment) => describe(environment),
  }
}

class Database {}

/** What makes a service connect to a place, and say so. */
export function connectsTo(place: string) {
  return {
    providers: () => [provide(Database, { create: () => new Database(), connectsTo: [place] })],
    checks: [check('database', async () => undefined, { needs: [Database] })],
  }
}
