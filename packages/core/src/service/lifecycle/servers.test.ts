import { expect, test } from 'vitest'
import type { TransportServer } from '../../transport/transport.ts'
import { infosOf } from './servers.ts'

test('infosOf names what each server tells, and leaves out those that tell nothing', () => {
  const servers = [serverOf(() => ({ consumers: [] })), serverOf(), serverOf(() => ({ count: 1 }))]
  expect(infosOf(servers, ['orders', 'http', 'audit'])).toEqual({ orders: { consumers: [] }, audit: { count: 1 } })
})

test('infosOf tells of a server that fails to tell, and of the others', () => {
  const failing = serverOf(() => {
    throw new Error('not now')
  })
  const infos = infosOf([failing, serverOf(() => ({ count: 1 }))], ['orders', 'audit'])
  expect(infos).toEqual({ orders: { failure: 'not now' }, audit: { count: 1 } })
})

test('infosOf tells of a server whose words cannot be written, and of the others', () => {
  const cycle: { self?: object } = {}
  cycle.self = cycle
  const infos = infosOf(
    [serverOf(() => ({ lag: 1n })), serverOf(() => cycle), serverOf(() => ({ count: 1 }))],
    ['a', 'b', 'c'],
  )
  expect(infos).toEqual({
    a: { failure: expect.stringContaining('BigInt') as string },
    b: { failure: expect.stringContaining('circular') as string },
    c: { count: 1 },
  })
})

function serverOf(info?: () => object): TransportServer {
  return {
    listen: async () => [],
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => undefined,
    ...(info && { info }),
  }
}
