import { describe, expect, it } from 'vitest'
import { ConfigError } from '../error/setup-error.ts'
import type { Instance } from './registry.ts'
import { staticRegistry, type StaticServices } from './static-registry.ts'

const instance: Instance = {
  id: 'a',
  name: 'user',
  version: '1.0.0',
  endpoints: [{ protocol: 'grpc', host: '10.0.0.7', port: 1 }],
  weight: 5,
}

async function listOf(services: StaticServices, name: string): Promise<readonly Instance[]> {
  const { signal } = new AbortController()
  for await (const list of staticRegistry(services).watch(name, { signal })) return list
  throw new Error('the watch ended before its first list')
}

/** As someone without types may write it. */
const refusalOf = (services: unknown): readonly string[] => {
  try {
    staticRegistry(services as StaticServices)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ code, message }) => `${code} ${message}`)
    throw error
  }
}

describe('staticRegistry', () => {
  it.each([
    ['grpc://127.0.0.1:50051', { protocol: 'grpc', host: '127.0.0.1', port: 50_051 }],
    ['http://user.internal:8080/', { protocol: 'http', host: 'user.internal', port: 8_080 }],
    ['HTTP://[2001:db8::7]:80', { protocol: 'http', host: '2001:db8::7', port: 80 }],
  ])('reads %s', async (address, endpoint) => {
    expect(await listOf({ user: [address] }, 'user')).toEqual([
      { id: address, name: 'user', version: '', endpoints: [endpoint] },
    ])
  })

  it('gives an instance as it is, ordered among addresses', async () => {
    const list = await listOf({ user: ['grpc://10.0.0.7:2', instance] }, 'user')
    expect(list).toEqual([instance, expect.objectContaining({ id: 'grpc://10.0.0.7:2' })])
  })

  it.each(['order', 'constructor'])('has nobody of the name %s, which it was not told', async (name) => {
    expect(await listOf({ user: [instance] }, name)).toEqual([])
  })

  it.each([
    ['127.0.0.1:50051', '"127.0.0.1:50051"'],
    ['grpc://127.0.0.1', '"grpc://127.0.0.1"'],
    ['grpc://127.0.0.1:0', '"grpc://127.0.0.1:0"'],
    ['grpc://127.0.0.1:65536', '"grpc://127.0.0.1:65536"'],
    ['http://10.0.0.7:80/path', '"http://10.0.0.7:80/path"'],
    ['http://me:secret@10.0.0.7:80', '"http://***@10.0.0.7:80"'],
  ])('refuses %s, and names the entry', (address, found) => {
    const message = `config.malformed staticRegistry: user[1] must be an address with protocol, host and port, such as grpc://10.0.0.7:50051, found ${found}`
    expect(refusalOf({ user: [instance, address] })).toEqual([message])
  })

  it.each([
    [['user'], 'expected lists by the names of services'],
    [{ user: 'grpc://127.0.0.1:1' }, 'user must be a list, found "grpc://127.0.0.1:1"'],
    [{ user: [7] }, 'user[0] must be an address with protocol'],
    [{ user: [{ ...instance, health: 'fine' }] }, 'user[0].health must be one of serving, draining, not_serving'],
    [
      { user: [{ ...instance, endpoints: [{ protocol: 'grpc', host: 'bad host', port: 1 }] }] },
      'user[0].endpoints must be a list of',
    ],
    [{ user: ['grpc://h:1', 'grpc://h:1/'] }, 'user has "grpc://h:1" more than once'],
    [{ user: [{ ...instance, id: '' }] }, 'user[0].id must be a text, found ""'],
    [{ user: [{ ...instance, name: 'order' }] }, 'user[0].name must be "user", as it is found by, found "order"'],
    [{ user: [{ ...instance, endpoints: [] }] }, 'user[0].endpoints must be a list of { protocol, host, port }'],
    [{ user: [{ ...instance, endpoints: [{ host: 'a', port: 1 }] }] }, 'user[0].endpoints must be a list of'],
    [
      { user: [{ ...instance, endpoints: [{ protocol: 'grpc', host: 'a', port: '1' }] }] },
      'user[0].endpoints must be a list of',
    ],
    [{ user: [instance, instance] }, 'user has "a" more than once'],
  ])('refuses %o', (services, message) => {
    expect(refusalOf(services)).toEqual([expect.stringContaining(`config.malformed staticRegistry: ${message}`)])
  })

  it('refuses a weight out of its range', () => {
    expect(refusalOf({ user: [{ ...instance, weight: -1 }] })).toEqual([
      'config.out_of_range staticRegistry: user[0].weight must be a whole number from 0 to 1000, found -1',
    ])
  })

  it('tells of everything that is wrong at once', () => {
    expect(refusalOf({ user: ['a', 'b'], order: 1 })).toHaveLength(3)
  })
})
