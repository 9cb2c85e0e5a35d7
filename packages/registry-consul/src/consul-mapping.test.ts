import type { Instance } from '@tenon/core/registry'
import { describe, expect, it } from 'vitest'
import { checkStatus, metaKeys, readEntry, toServiceRecord } from './consul-mapping.ts'

const instance: Instance = {
  id: 'user-1',
  name: 'user',
  version: '1.2.3',
  endpoints: [
    { protocol: 'http', host: '10.0.0.3', port: 8080 },
    { protocol: 'grpc', host: '2001:db8::7', port: 9090 },
  ],
}

const life = { id: 'life-1', revision: 1 }
const record = (fields: Partial<Instance> = {}) => toServiceRecord({ ...instance, ...fields }, life, ['blue'])

/** As the health endpoint shows a record. */
function entry(service: object, checks: readonly object[] = []): unknown {
  const { Name, ...others } = service as { Name?: string }
  return { Node: { Node: 'n' }, Service: { Service: Name, ...others }, Checks: checks }
}

describe('a record', () => {
  it('has the first endpoint as its address, and all of them in its Meta', () => {
    expect(record()).toMatchObject({
      ID: 'user-1',
      Name: 'user',
      Address: '10.0.0.3',
      Port: 8080,
      Tags: ['blue'],
      Weights: { Passing: 1, Warning: 1 },
      Meta: { 'tenon-endpoints': 'http=10.0.0.3:8080,grpc=[2001:db8::7]:9090', 'tenon-incarnation': 'life-1' },
    })
  })

  it.each<Partial<Instance>>([
    {},
    { endpoints: [] },
    { zone: 'a', weight: 0, health: 'draining' },
    { weight: 0.5, health: 'not_serving' },
    { metadata: { plain: '1', 'dot.ted_x': '2', 'tenon-zone': '3', 'tenon-meta-_2e': '4', _2e: '5' } },
  ])('says the same when it is read: %o', (fields) => {
    const read = readEntry(entry(record(fields)))
    expect(read).toEqual({ kind: 'instance', instance: { health: 'serving', ...instance, ...fields } })
  })

  it.each([
    [{ metadata: { a: 'x'.repeat(513) } }, 'the value of a is longer than 512 bytes'],
    [{ metadata: { ä: 'x' } }, 'has other characters'],
    [{ metadata: { ['k'.repeat(129)]: 'x' } }, 'is longer than 128 characters'],
    [{ metadata: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`k${at}`, ''])) }, 'takes 64 keys'],
  ])('does not take what Consul would refuse: %o', (fields, told) => {
    expect(() => record(fields)).toThrow(`the instance user-1 does not fit into Consul`)
    expect(() => record(fields)).toThrow(told)
  })
})

describe('an entry', () => {
  const check = (CheckID: string, Status: string) => ({ CheckID, Status })
  const own = 'tenon:user-1:life-1'

  it.each([
    ['passing', 'instance'],
    ['warning', 'instance'],
    ['critical', 'gone'],
  ])('whose check is %s is: %s', (status, kind) => {
    expect(readEntry(entry(record(), [check(own, status)]))).toMatchObject({ kind })
  })

  it('that says of itself that it does not serve is there, unless it or its node is gone', () => {
    const service = record({ health: 'not_serving' })
    const alive = check(own, checkStatus.not_serving)
    expect(readEntry(entry(service, [alive]))).toMatchObject({ instance: { health: 'not_serving' } })
    expect(readEntry(entry(service, [check(own, 'critical')]))).toEqual({ kind: 'gone' })
    expect(readEntry(entry(service, [alive, check('serfHealth', 'critical')]))).toEqual({ kind: 'gone' })
  })

  it.each(['_node_maintenance', '_service_maintenance:user-1'])('under maintenance (%s) is gone', (id) => {
    for (const health of ['serving', 'not_serving'] as const)
      expect(readEntry(entry(record({ health }), [check(own, 'passing'), check(id, 'critical')]))).toEqual({
        kind: 'gone',
      })
  })

  const meta = (fields: object) => ({ ID: 'x', Name: 'user', Meta: { [metaKeys.endpoints]: 'http=h:1', ...fields } })

  it.each([
    [null, 'it is no record of a service'],
    [{}, 'it is no record of a service'],
    [entry({ Name: 'user' }), 'it has no id'],
    [entry({ ID: 'x', Name: 'user' }), 'the service x was not registered by Tenon'],
    [entry({ ID: 'x', Name: 'user', Meta: null }), 'was not registered by Tenon'],
    [entry(meta({ [metaKeys.endpoints]: 'http=h' })), 'are no list of protocol=host:port'],
    [entry(meta({ [metaKeys.endpoints]: 'http=h:99999' })), 'are no list of protocol=host:port'],
  ])('%o is left out', (given, told) => {
    const reading = readEntry(given)
    expect(reading.kind).toBe('unreadable')
    expect(reading).toMatchObject({ problem: expect.stringContaining(told) as unknown })
  })

  it('with values that make no sense is read without them', () => {
    const odd = { [metaKeys.weight]: 'many', [metaKeys.health]: 'tired', 'tenon-later': 'x', list: ['no text'] }
    const reading = readEntry(entry(meta(odd), [null as unknown as object]))
    const endpoints = [{ protocol: 'http', host: 'h', port: 1 }]
    expect(reading).toEqual({
      kind: 'instance',
      instance: { id: 'x', name: 'user', version: '', endpoints, health: 'serving' },
    })
  })
})
