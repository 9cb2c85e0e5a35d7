import { ConfigError } from '@tenon/core/registry'
import { expect, test } from 'vitest'
import { type KubernetesRegistryOptions, resolveKubernetesOptions } from './kubernetes-options.ts'
import { kubernetesRegistry } from './kubernetes-registry.ts'

test('every option may be left out', () => {
  expect(resolveKubernetesOptions({})).toEqual({})
})

test('options are copied, and frozen', () => {
  const ports = { grpc: 'api' }
  const settings = resolveKubernetesOptions({ namespace: 'shop', kubeconfig: '/a', context: 'b', ports, zone: 'c' })
  expect(settings).toEqual({ namespace: 'shop', kubeconfig: '/a', context: 'b', ports: { grpc: 'api' }, zone: 'c' })
  ports.grpc = 'other'
  expect(settings.ports).toEqual({ grpc: 'api' })
  expect(Object.isFrozen(settings) && Object.isFrozen(settings.ports)).toBe(true)
})

const wrong: readonly (readonly [options: unknown, message: string])[] = [
  [null, 'the options must be an object'],
  [{ namspace: 'shop' }, '"namspace" is no option, perhaps namespace is meant'],
  [{ namespace: 'Shop' }, 'namespace must be the name of a namespace such as shop, found "Shop"'],
  [{ namespace: '' }, 'namespace must be the name of a namespace such as shop, found ""'],
  [{ namespace: 'a/b' }, 'namespace must be the name of a namespace such as shop, found "a/b"'],
  [{ kubeconfig: '' }, 'kubeconfig must be text that is not empty, found ""'],
  [{ context: 1 }, 'context must be text that is not empty, found 1'],
  [{ zone: '' }, 'zone must be text that is not empty, found ""'],
  [{ ports: 'grpc' }, `ports must be an object such as { grpc: 'grpc' }, found "grpc"`],
  [{ ports: {} }, 'ports must name a port for a protocol, found none'],
  [{ ports: { grpc: '' } }, 'ports.grpc must be text that is not empty, found ""'],
  [{ ports: { grpc: 0 } }, 'ports.grpc must be a whole number from 1 to 65535, found 0'],
  [{ ports: { grpc: undefined } }, 'ports.grpc must be text that is not empty, found null'],
]

test.each(wrong)('%j is refused', (options, message) => {
  const resolve = () => resolveKubernetesOptions(options as KubernetesRegistryOptions)
  expect(resolve).toThrow(ConfigError)
  expect(resolve).toThrow(`kubernetesRegistry: ${message}`)
})

test('all that is wrong is told at once', () => {
  const options = { namespace: 'A', zone: '', ports: { grpc: 70_000 } }
  const problems = (() => {
    try {
      return resolveKubernetesOptions(options)
    } catch (error) {
      return (error as ConfigError).problems
    }
  })()
  expect(problems).toHaveLength(3)
  expect(() => kubernetesRegistry(options)).toThrow(ConfigError)
})
