import type { Instance } from '@tenon/core/registry'
import { describe, expect, it } from 'vitest'
import { readValue, toKey, toNamePrefix, toValue } from './etcd-mapping.ts'

const instance: Instance = {
  id: 'user-1',
  name: 'user',
  version: '1.2.3',
  endpoints: [
    { protocol: 'http', host: '10.0.0.1', port: 8_080 },
    { protocol: 'grpc', host: '2001:db8::1', port: 50_051 },
  ],
}

describe('the value of an instance', () => {
  it('is JSON of this form, which other tools may rely on', () => {
    expect(JSON.parse(toValue({ instance, incarnation: 'i' }))).toEqual({ format: 1, incarnation: 'i', ...instance })
  })

  it.each([
    instance,
    { ...instance, zone: 'eu-1a', weight: 0, metadata: { a: '', __proto__: 'x' }, health: 'draining' },
    { ...instance, version: '', endpoints: [], metadata: { 'ö "\\': '漢字 🦀' } },
  ] satisfies Instance[])('is read as what was written', (one) => {
    const { instance: read } = readValue(toValue({ instance: one, incarnation: 'i' }))
    expect(read).toEqual(one)
    expect([read, read.endpoints].every(Object.isFrozen)).toBe(true)
  })

  it('is read where a later version has added fields', () => {
    const value = { format: 1, incarnation: 'i', ...instance, colour: 'blue' }
    expect(readValue(JSON.stringify(value)).instance).toEqual(instance)
  })

  it.each([
    ['{"id":', 'it is no JSON'],
    ['[]', 'it is no JSON object'],
    ['null', 'it is no JSON object'],
    ['{"name":"user"}', 'its format is not 1'],
  ])('is refused: %s', (text, reason) => {
    expect(() => readValue(text)).toThrow(reason)
  })

  it.each([
    [{ format: 2 }, 'its format is not 1'],
    [{ id: 1 }, 'its id is no text'],
    [{ name: undefined }, 'its name is no text'],
    [{ version: null }, 'its version is no text'],
    [{ endpoints: {} }, 'its endpoints are no list'],
    [{ endpoints: ['http://10.0.0.1'] }, 'an endpoint of it is no object'],
    [{ endpoints: [{ protocol: 'http', host: 'a', port: 65_536 }] }, 'a port of it is none'],
    [{ endpoints: [{ protocol: 'http', host: 1, port: 1 }] }, 'its host is no text'],
    [{ weight: -1 }, 'its weight is no number from 0 to 1000'],
    [{ weight: '1' }, 'its weight is no number from 0 to 1000'],
    [{ metadata: { a: 1 } }, 'its metadata are no texts'],
    [{ metadata: [] }, 'its metadata are no texts'],
    [{ health: 'well' }, 'its health is none that is known'],
    [{ zone: 5 }, 'its zone is no text'],
    [{ incarnation: 5 }, 'its incarnation is no text'],
  ])('is refused with %j', (change, reason) => {
    const value = { format: 1, incarnation: 'i', ...instance, ...change }
    expect(() => readValue(JSON.stringify(value))).toThrow(reason)
  })
})

describe('the key of an instance', () => {
  it('is prefix, name and id', () => {
    expect(toKey('/tenon/services', instance)).toBe('/tenon/services/user/user-1')
  })

  it('lies under the prefix of its own name only, whatever is in them', () => {
    const key = toKey('/p', { name: 'a/b', id: 'c/d %' })
    expect(key).toBe('/p/a%2Fb/c%2Fd%20%25')
    expect(key.startsWith(toNamePrefix('/p', 'a'))).toBe(false)
    expect(key.startsWith(toNamePrefix('/p', 'a/b'))).toBe(true)
    expect(() => toKey('/p', { name: '\ud800', id: '\udfff' })).not.toThrow()
  })
})
