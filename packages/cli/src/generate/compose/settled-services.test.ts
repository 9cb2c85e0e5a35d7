import { expect, it } from 'vitest'
import { callerOptions, stockOptions } from './composed-shop.test-harness.ts'
import { sourceOf } from './composed-service.test-harness.ts'
import { settledServices } from './settled-services.ts'

const choice = { with: [], without: [] }

it('services are described with where the others are, also when the file of settings moves a port', async () => {
  const sources = [sourceOf(callerOptions()), sourceOf(stockOptions, { GRPC_PORT: '6000' })]
  const { services } = await settledServices(sources, choice)
  expect(services[0]?.description.remotes).toMatchObject([{ address: 'static:///stock-room:6000' }])
})

it('looks at each service once more when nothing moves', async () => {
  let looks = 0
  const source = sourceOf(stockOptions)
  const describe = (environment: Readonly<Record<string, string>>) => {
    looks += 1
    return source.describe(environment)
  }
  await settledServices([{ ...source, describe }], choice)
  expect(looks).toBe(1)
})

it('ends when what a service says goes round in circles', async () => {
  let port = 1
  const source = sourceOf(stockOptions)
  const moving = {
    ...source,
    describe: async () => sourceOf(stockOptions, { GRPC_PORT: String((port += 1)) }).service.description,
  }
  const { services } = await settledServices([sourceOf(callerOptions()), moving], choice)
  expect(services).toHaveLength(2)
})
