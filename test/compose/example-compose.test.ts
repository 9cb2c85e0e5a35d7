import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { service as order } from '@shop/order-service'
import { service as user } from '@shop/user-service'
import Schema from 'typebox/schema'
import { expect, it } from 'vitest'
import { composeFiles } from '../../packages/cli/src/generate/compose/compose-files.ts'
import { composeWarnings } from '../../packages/cli/src/generate/compose/compose-warnings.ts'
import { builtImage } from '../../packages/cli/src/generate/compose/image-source.ts'
import { settledServices } from '../../packages/cli/src/generate/compose/settled-services.ts'
import { deployFolder, shopCompose } from './shop-compose.ts'

/** As `tenon generate compose` finds the services, without a process for each look. */
function sourceOf(service: typeof user | typeof order) {
  const { name } = service
  const file = fileURLToPath(new URL(`../../examples/user-order/${name}/src/service.ts`, import.meta.url))
  const describe = (environment: Readonly<Record<string, string>>) =>
    service.describe({ environment: { NODE_ENV: 'production', TENON_HOST: '0.0.0.0', ...environment } })
  const image = builtImage({ file, name, outFolder: deployFolder, dockerFolder: join(deployFolder, 'docker') })
  return {
    service: { description: describe({}), ownSettings: {}, image },
    describe: async (environment: Readonly<Record<string, string>>) => describe(environment),
  }
}

async function settledShop(choice: { with?: readonly ['consul'] } = {}) {
  const sources = [sourceOf(user), sourceOf(order)]
  return settledServices(sources, { with: [], without: [], ...choice })
}

const specification = Schema.Compile(JSON.parse(readFileSync(new URL('compose-spec.json', import.meta.url), 'utf8')))

it('the compose file of the example is what would be generated', async () => {
  const { services, servers } = await settledShop()
  expect(composeWarnings(services, servers)).toEqual([])
  for (const { path, text } of composeFiles(services, servers))
    expect(readFileSync(join(deployFolder, path), 'utf8'), path).toBe(text)
})

it('it keeps the specification of compose files', () => {
  expect(specification.Errors(shopCompose())).toEqual([true, []])
  const { services } = shopCompose()
  const unknown = { ...shopCompose(), services: { ...services, user: { ...services['user'], stop_grace: '26s' } } }
  expect(specification.Check(unknown)).toBe(false)
})

it('in it a service finds the other by the name and port that it has there', () => {
  const { services } = shopCompose()
  expect(services['order']?.environment['USER_ADDRESS']).toBe('static:///user:50051')
  expect(services['user']?.ports).toContain('127.0.0.1:50051:50051')
})

it('nothing in it is reached from another machine', () => {
  const published = Object.values(shopCompose().services).flatMap(({ ports }) => ports)
  expect(published).toHaveLength(8)
  expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
})
