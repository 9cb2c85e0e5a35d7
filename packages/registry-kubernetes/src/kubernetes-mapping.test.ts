import { describe, expect, test } from 'vitest'
import type { MappingSettings } from './kubernetes-options.ts'
import { SliceSet } from './slice/slice-set.ts'

type Fields = Readonly<Record<string, unknown>>

/** What a set of slices tells, the first with version 1. */
function read(slices: readonly Fields[], settings: Partial<MappingSettings> = {}) {
  const troubles: string[] = []
  const set = new SliceSet({
    name: 'user',
    settings: { ports: undefined, zone: undefined, ...settings },
    onTrouble: ({ message }) => troubles.push(message),
  })
  set.replace(slices.map((fields, index) => ({ name: `s${index}`, version: String(index + 1), fields })))
  return { instances: set.snapshot(), troubles, set }
}

const grpc = { name: 'grpc', port: 50_051, protocol: 'TCP' }
const http = { name: 'http', port: 3_000, protocol: 'TCP' }

const slice = (endpoints: readonly Fields[], fields: Fields = {}): Fields => ({
  addressType: 'IPv4',
  ports: [grpc],
  endpoints,
  ...fields,
})

const pod = (name: string, address: string, fields: Fields = {}): Fields => ({
  addresses: [address],
  targetRef: { kind: 'Pod', name },
  ...fields,
})

test('an endpoint of a slice is an instance, with all that slices tell', () => {
  const ready = { ready: true, serving: true, terminating: false }
  const { instances } = read([
    slice([pod('user-b', '10.0.0.2', { conditions: ready, zone: 'eu-1a', nodeName: 'n1' })], { ports: [http, grpc] }),
  ])
  expect(instances).toEqual([
    {
      id: 'user-b',
      name: 'user',
      version: '',
      endpoints: [
        { protocol: 'http', host: '10.0.0.2', port: 3_000 },
        { protocol: 'grpc', host: '10.0.0.2', port: 50_051 },
      ],
      zone: 'eu-1a',
      weight: 1,
      health: 'serving',
    },
  ])
  expect(Object.isFrozen(instances[0]) && Object.isFrozen(instances[0]?.endpoints[0])).toBe(true)
})

describe('health', () => {
  test.each([
    [undefined, 'serving'],
    [{}, 'serving'],
    [{ ready: null, serving: null, terminating: null }, 'serving'],
    [{ ready: true, serving: true, terminating: false }, 'serving'],
    [{ ready: true, serving: false, terminating: false }, 'serving'],
    [{ ready: true, serving: true, terminating: true }, 'draining'],
    [{ ready: false, serving: true, terminating: true }, 'draining'],
    [{ ready: false, terminating: true }, 'draining'],
    [{ ready: false, serving: false, terminating: true }, undefined],
    [{ ready: false, serving: true, terminating: false }, undefined],
    [{ ready: false }, undefined],
  ])('of conditions %j is %s', (conditions, health) => {
    const { instances } = read([slice([pod('a', '10.0.0.1', { conditions })])])
    expect(instances.map((instance) => instance.health)).toEqual(health === undefined ? [] : [health])
  })
})

describe('ports', () => {
  const endpointsOf = (ports: readonly Fields[] | undefined, settings?: Partial<MappingSettings>) => {
    const { instances, troubles } = read([slice([pod('a', '10.0.0.1')], { ports })], settings)
    const told = instances.flatMap(({ endpoints }) => endpoints.map(({ protocol, port }) => `${protocol} ${port}`))
    return { told, troubles }
  }

  test.each<[string, readonly Fields[], readonly string[]]>([
    ['names', [http, grpc], ['http 3000', 'grpc 50051']],
    [
      'appProtocol',
      [
        { name: 'a', port: 1, appProtocol: 'http' },
        { name: 'b', port: 2, appProtocol: 'grpc' },
      ],
      ['http 1', 'grpc 2'],
    ],
    ['kubernetes.io/h2c', [{ name: 'a', port: 2, appProtocol: 'kubernetes.io/h2c' }], ['grpc 2']],
    [
      'no kubernetes.io/h2c of a port that is named http',
      [{ ...http, appProtocol: 'kubernetes.io/h2c' }],
      ['http 3000'],
    ],
    ['a name before an appProtocol', [{ name: 'metrics', port: 9, appProtocol: 'http' }, http], ['http 3000']],
    [
      'names of TLS',
      [
        { name: 'https', port: 1 },
        { name: 'grpcs', port: 2 },
      ],
      ['https 1', 'grpcs 2'],
    ],
    [
      'TLS as appProtocol',
      [
        { ...http, appProtocol: 'https' },
        { ...grpc, appProtocol: 'https' },
      ],
      ['https 3000', 'grpcs 50051'],
    ],
    ['appProtocol https', [{ name: 'a', port: 1, appProtocol: 'https' }], ['https 1']],
    [
      'nothing else',
      [grpc, { name: 'a', port: 1, appProtocol: 'kubernetes.io/ws' }, { name: 'b', port: 2 }],
      ['grpc 50051'],
    ],
    [
      'the first of several',
      [
        { name: 'a', port: 8, appProtocol: 'http' },
        { name: 'b', port: 9, appProtocol: 'http' },
      ],
      ['http 8'],
    ],
    ['TCP where nothing is said', [{ name: 'grpc', port: 7 }], ['grpc 7']],
    [
      'none of UDP, and none that may be any',
      [
        { ...http, protocol: 'UDP' },
        { ...grpc, port: null },
        { ...grpc, port: 7 },
      ],
      ['grpc 7'],
    ],
  ])('are known by %s', (_what, ports, told) => {
    expect(endpointsOf(ports)).toEqual({ told, troubles: [] })
  })

  test('are those of the options, by name or number, and no others', () => {
    const ports = [http, { name: 'api', port: 7 }, { name: '', port: 9 }]
    expect(endpointsOf(ports, { ports: { grpc: 'api', http: 9 } })).toEqual({
      told: ['grpc 7', 'http 9'],
      troubles: [],
    })
  })

  test('none of which is known are told', () => {
    const ports = [{ name: 'web', port: 80 }, { port: 81 }]
    expect(endpointsOf(ports)).toEqual({
      told: [],
      troubles: [
        'EndpointSlice s0 of user has no port named http, https, grpc or grpcs, or with such an appProtocol: name one so, or set option ports; it has "web" (80), "" (81)',
      ],
    })
    expect(endpointsOf(ports, { ports: { grpc: 'api' } }).troubles).toEqual([
      'EndpointSlice s0 of user has no port that option ports names (api); it has "web" (80), "" (81)',
    ])
    expect(endpointsOf(undefined).troubles).toHaveLength(1)
  })

  test('of a Service without pods are not asked after', () => {
    expect(read([slice([], { ports: null, endpoints: null })])).toMatchObject({ instances: [], troubles: [] })
  })
})

describe('several slices of a Service', () => {
  const hostsOf = (slices: readonly Fields[]) =>
    read(slices).instances.map(({ id, endpoints }) => `${id} ${endpoints.map(({ host }) => host).join()}`)

  test('are one list, ordered by id', () => {
    expect(hostsOf([slice([pod('c', '10.0.0.3')]), slice([pod('a', '10.0.0.1'), pod('b', '10.0.0.2')])])).toEqual([
      'a 10.0.0.1',
      'b 10.0.0.2',
      'c 10.0.0.3',
    ])
  })

  test('that both have a pod, while it is moved, have it once, as the newer slice says', () => {
    const older = slice([pod('a', '10.0.0.1', { conditions: { ready: true } })])
    const newer = slice([pod('a', '10.0.0.1', { conditions: { ready: false, serving: true, terminating: true } })])
    expect(read([older, newer]).instances).toMatchObject([
      { id: 'a', health: 'draining', endpoints: [{ host: '10.0.0.1' }] },
    ])
    expect(read([newer, older]).instances).toMatchObject([{ id: 'a', health: 'serving' }])
  })

  test('are newer by the number of their version, however long', () => {
    const { set } = read([])
    const put = (name: string, version: string, host: string) =>
      set.put({ name, version, fields: slice([pod('a', host)]) })
    put('old', '9', '10.0.0.9')
    put('new', '10', '10.0.0.10')
    expect(set.snapshot()).toMatchObject([{ endpoints: [{ host: '10.0.0.10' }] }])
    put('newest', '90071992547409931', '10.0.0.11')
    put('new', '90071992547409930', '10.0.0.12')
    expect(set.snapshot()).toMatchObject([{ endpoints: [{ host: '10.0.0.11' }] }])
  })

  test('that tell of several pods at one address have all of them', () => {
    expect(hostsOf([slice([pod('a', '10.0.0.1')]), slice([pod('b', '10.0.0.1')])])).toEqual([
      'a 10.0.0.1',
      'b 10.0.0.1',
    ])
  })

  test('of both families have the IPv4 address of a pod, and its IPv6 address where it has no other', () => {
    const six = slice([pod('a', 'fd00::1'), pod('b', 'fd00::2')], { addressType: 'IPv6' })
    const four = slice([pod('a', '10.0.0.1')])
    expect(hostsOf([four, six])).toEqual(['a 10.0.0.1', 'b fd00::2'])
    expect(hostsOf([six, four])).toEqual(['a 10.0.0.1', 'b fd00::2'])
  })
})

describe('what has no pod', () => {
  const idsOf = (slices: readonly Fields[]) => read(slices).instances.map(({ id }) => id)
  const given = { addresses: ['10.0.0.9', '10.0.0.8'] }

  test('is known by its address, the first of several, and its ports', () => {
    const { instances } = read([slice([given], { ports: [grpc, http] })])
    expect(instances).toMatchObject([{ id: '10.0.0.9:3000,50051', endpoints: [{ host: '10.0.0.9' }, {}] }])
    expect(instances[0]).not.toHaveProperty('zone')
    expect(idsOf([slice([{ addresses: ['fd00::9'] }], { addressType: 'IPv6' })])).toEqual(['[fd00::9]:50051'])
  })

  test('is one with the same ports in two slices, in any order', () => {
    expect(idsOf([slice([given], { ports: [http, grpc] }), slice([given], { ports: [grpc, http] })])).toHaveLength(1)
  })

  test('is another one with other ports', () => {
    const ports = [{ ...grpc, port: 50_052 }]
    expect(idsOf([slice([given]), slice([given], { ports })])).toEqual(['10.0.0.9:50051', '10.0.0.9:50052'])
  })
})

describe('zone hints', () => {
  const hinted = (name: string, ...zones: readonly string[]) =>
    pod(name, `10.0.0.${name.charCodeAt(0)}`, { hints: { forZones: zones.map((zone) => ({ name: zone })) } })
  const idsOf = (endpoints: readonly Fields[], zone?: string) =>
    read([slice(endpoints)], { zone }).instances.map(({ id }) => id)
  const ending = { conditions: { ready: false, serving: true, terminating: true } }

  test('choose the endpoints of the own zone', () => {
    expect(idsOf([hinted('a', 'x'), hinted('b', 'y'), hinted('c', 'x', 'y')], 'x')).toEqual(['a', 'c'])
  })

  test('are not looked at without a zone', () => {
    expect(idsOf([hinted('a', 'x'), hinted('b', 'y')])).toEqual(['a', 'b'])
  })

  test('are not looked at while an endpoint has none', () => {
    expect(idsOf([hinted('a', 'x'), hinted('b', 'y'), pod('c', '10.0.0.3')], 'x')).toEqual(['a', 'b', 'c'])
    expect(idsOf([hinted('a', 'x'), hinted('b')], 'x')).toEqual(['a', 'b'])
  })

  test('are not looked at where none is for the zone that takes calls for long', () => {
    expect(idsOf([hinted('a', 'x'), hinted('b', 'y')], 'z')).toEqual(['a', 'b'])
    expect(idsOf([{ ...hinted('a', 'x'), ...ending }, hinted('b', 'y')], 'x')).toEqual(['a', 'b'])
  })
})

test.each<[string, Fields]>([
  ['no address type', { endpoints: [pod('a', '10.0.0.1')], ports: [grpc] }],
  ['names', slice([pod('a', 'user.example.com')], { addressType: 'FQDN' })],
])('a slice with %s is left out and told', (_what, fields) => {
  const { instances, troubles } = read([fields, slice([pod('b', '10.0.0.2')])])
  expect(instances.map(({ id }) => id)).toEqual(['b'])
  expect(troubles).toEqual([expect.stringMatching(/^EndpointSlice s0 of user has addresses of type/)])
})

test.each<[unknown]>([
  [null],
  [7],
  ['text'],
  [{}],
  [{ addresses: [] }],
  [{ addresses: [7] }],
  [{ addresses: 'x', targetRef: 3 }],
])('an endpoint %j is left out and told, those beside it stay', (endpoint) => {
  const { instances, troubles } = read([slice([endpoint as Fields, pod('b', '10.0.0.2')])])
  expect(instances.map(({ id }) => id)).toEqual(['b'])
  expect(troubles).toEqual(['EndpointSlice s0 of user has 1 endpoints without an address'])
})

test('what is told of a slice is told again when it says something else', () => {
  const { set, troubles } = read([slice([], { addressType: 'FQDN' })])
  const put = (version: string, fields: Fields) => set.put({ name: 's0', version, fields })
  put('2', slice([], { addressType: 'FQDN', extra: true }))
  expect(troubles).toHaveLength(1)
  put('3', slice([], { addressType: 'other' }))
  put('4', slice([]))
  put('5', slice([], { addressType: 'other' }))
  expect(troubles).toHaveLength(3)
})
