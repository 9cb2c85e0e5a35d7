import { describe, expect, it } from 'vitest'
import { toInstance, toQuestion, toWaitMs, toWeights } from './dns-mapping.ts'
import { resolveDns } from './dns-options.ts'

describe('what is asked for', () => {
  it.each([
    ['the ports too, without a port', {}, { host: '_grpc._tcp.user', port: undefined, protocol: 'grpc' }],
    ['addresses, with a port', { port: 80, protocol: 'http' }, { host: 'user', port: 80, protocol: 'http' }],
    ['in a domain', { domain: 'shop.svc', protocol: 'http' }, { host: '_http._tcp.user.shop.svc', port: undefined }],
    ['another name', { domain: 'shop.svc', port: 1, services: { user: { host: 'u.x' } } }, { host: 'u.x', port: 1 }],
    ['another port', { port: 1, services: { user: { port: 2, protocol: 'http' } } }, { port: 2, protocol: 'http' }],
    [
      'SRV records of one service, with a port for all others',
      { port: 1, services: { user: { host: '_main._tcp.u.x' } } },
      { host: '_main._tcp.u.x', port: undefined },
    ],
    ['what a name of Object says nothing of', { port: 1, services: {} }, { host: 'user' }],
  ])('%s', (_what, options, expected) => {
    expect(toQuestion('user', resolveDns(options))).toMatchObject({ name: 'user', ...expected })
  })

  it('a service called like a method of objects is asked for as any other', () => {
    expect(toQuestion('constructor', resolveDns({ port: 1 }))).toMatchObject({ host: 'constructor', port: 1 })
  })
})

describe('an instance', () => {
  const question = { name: 'user', host: 'user', protocol: 'grpc', port: undefined }

  it('has its address as id, and no version', () => {
    expect(toInstance(question, { address: '10.0.0.1', port: 1 })).toEqual({
      id: '10.0.0.1:1',
      name: 'user',
      version: '',
      endpoints: [{ protocol: 'grpc', host: '10.0.0.1', port: 1 }],
    })
  })

  it('has an IPv6 address in brackets in its id, and as it is as its host', () => {
    const instance = toInstance(question, { address: '2001:db8::7', port: 1, weight: 3 })
    expect(instance).toMatchObject({ id: '[2001:db8::7]:1', weight: 3, endpoints: [{ host: '2001:db8::7' }] })
  })
})

describe('weights of SRV records', () => {
  const weights = (...records: readonly (readonly [priority: number, weight: number])[]) =>
    toWeights(records.map(([priority, weight]) => ({ name: 'h', port: 1, priority, weight })))

  it.each([
    [
      'are as they are',
      [
        [0, 7],
        [0, 1],
      ],
      [7, 1],
    ],
    [
      'are 1 where all are 0, which is the same share for each',
      [
        [0, 0],
        [0, 0],
      ],
      [1, 1],
    ],
    [
      'are 1 where one is 0, which is a small share',
      [
        [0, 0],
        [0, 100],
      ],
      [1, 100],
    ],
    [
      'are scaled where one is above 1,000, and keep their shares',
      [
        [0, 65_535],
        [0, 6_554],
        [0, 1],
      ],
      [1_000, 100, 1],
    ],
    [
      'are 0 for all but the first priority, which is the lowest number',
      [
        [20, 60_000],
        [10, 5],
        [30, 1],
      ],
      [0, 5, 0],
    ],
    ['are none without records', [], []],
  ] as const)('%s', (_what, records, expected) => {
    expect(weights(...records)).toEqual(expected)
  })
})

it.each([
  [2_000, 2_000],
  [0, 500],
  [30_000, 10_000],
  [undefined, 10_000],
])('an answer that is right for %s ms is used for %s', (ttlMs, expected) => {
  expect(toWaitMs(ttlMs, { minTtlMs: 500, maxTtlMs: 10_000 })).toBe(expected)
})
