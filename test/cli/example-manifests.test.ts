import { join } from 'node:path'
import { service as order } from '@shop/order-service'
import { service as user } from '@shop/user-service'
import { expect, test } from 'vitest'
import { compareFile, textOf } from '../../packages/cli/src/generate/compared-file.ts'
import { readEnvFile } from '../../packages/cli/src/generate/kubernetes/env-file.ts'
import { manifests } from '../../packages/cli/src/generate/kubernetes/manifests.ts'

const deploy = join(import.meta.dirname, '../../examples/user-order/deploy/kubernetes')

/** As the command describes it with the settings of an overlay. */
async function overlayOf(service: typeof user | typeof order, name: string) {
  const folder = join(deploy, service.name, 'overlays', name)
  const [config, secrets] = await Promise.all([
    readVariables(join(folder, 'config.env')),
    readVariables(join(folder, 'secret.env.example')),
  ])
  const environment = { NODE_ENV: 'production', TENON_HOST: '0.0.0.0', ...config, ...secrets }
  return { name, config, secrets, description: service.describe({ environment }) }
}

async function readVariables(file: string) {
  return readEnvFile((await textOf(file)) ?? '')
}

test.each([
  ['user', user],
  ['order', order],
])(
  'the manifests of %s in the example are as they are generated, and leave nothing to warn of',
  async (name, service) => {
    const overlays = await Promise.all(['local', 'production'].map((overlay) => overlayOf(service, overlay)))
    const { files, warnings } = manifests({ overlays, options: { partOf: 'shop', replicas: { min: 2, max: 6 } } })
    expect(warnings).toEqual([])
    const compared = await Promise.all(files.map((file) => compareFile(file, join(deploy, name))))
    expect(compared.filter(({ state }) => state !== 'same' && state !== 'yours')).toEqual([])
    expect(compared.filter(({ state }) => state === 'yours')).toHaveLength(6)
  },
)

test('order calls user by the name that its overlays give it, which is the Service of its manifests', async () => {
  const { description } = await overlayOf(order, 'local')
  expect(description.remotes.map(({ address }) => address)).toEqual(['static:///user:50051'])
  expect(await textOf(join(deploy, 'user/base/service.yaml'))).toMatch(/^ {2}name: user\n[^]*? {6}port: 50051\n/m)
})
