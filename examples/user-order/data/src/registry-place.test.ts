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
  ['etcd://etcd:2379', ['etcd:2379']],
  ['etcd://shop@etcd-1:2379,etcd-2:2379', ['etcd-1:2379', 'etcd-2:2379']],
])('announces and finds services by the registry at %s', async (place, servers) => {
  const registry = opened(place)
  expect(registry).toMatchObject({ announce: expect.any(Function), watch: expect.any(Function) })
  expect(registry?.connectsTo).toEqual(servers)
  expect(hasRegistry(place)).toBe(true)
  await registry?.close?.()
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
