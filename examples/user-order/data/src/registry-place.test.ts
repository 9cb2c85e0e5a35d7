import { expect, test } from 'vitest'
import { hasRegistry, registryAt } from './registry-place.ts'

const password = { reveal: () => 'secret' }
const opened = (registry: string | undefined) => registryAt({ registry, registryPassword: password })

test.each([undefined, 'static'])('has no registry where REGISTRY is %s', (place) => {
  expect(opened(place)).toBeUndefined()
  expect(hasRegistry(place)).toBe(false)
})

test.each([
  ['consul://consul:8500', ['http://consul:8500']],
  ['consul://consul:8500/', ['http://consul:8500']],
  ['etcd://shop@etcd-1:2379,etcd-2:2379', ['etcd-1:2379', 'etcd-2:2379']],
])('announces and finds services by the registry at %s', async (place, servers) => {
  const registry = opened(place)
  expect(registry).toMatchObject({ announce: expect.any(Function), watch: expect.any(Function) })
  expect(registry?.connectsTo).toEqual(servers)
  expect(hasRegistry(place)).toBe(true)
  await registry?.close?.()
})

test('asks etcd as nobody where there is neither a user nor a password, and refuses one without the other', async () => {
  const registry = registryAt({ registry: 'etcd://etcd:2379', registryPassword: undefined })
  expect(registry?.connectsTo).toEqual(['etcd:2379'])
  await registry?.close?.()
  const half = 'REGISTRY and REGISTRY_PASSWORD: expected a user and a password for etcd, or neither'
  expect(() => opened('etcd://etcd:2379')).toThrow(half)
  expect(() => registryAt({ registry: 'etcd://shop@etcd:2379', registryPassword: undefined })).toThrow(half)
})

test('only finds services by Kubernetes, which announces them itself', () => {
  const registry = opened('kubernetes')
  expect(registry).toMatchObject({ watch: expect.any(Function) })
  expect(registry).not.toHaveProperty('announce')
})

test.each(['nacos://a:1', 'consul:8500', 'consul://a:1,b:1', 'consul://', 'etcd://', 'etcd://user:secret@etcd:2379'])(
  'refuses %s, and does not show it',
  (place) => {
    expect(() => opened(place)).toThrow(
      'REGISTRY: expected static, kubernetes, consul://host:port or etcd://[user@]host:port[,host:port], with the password in REGISTRY_PASSWORD',
    )
  },
)
