import { describe, expect, it } from 'vitest'
import { checkInstance, type InstanceOptions, resolveInstance } from './instance-options.ts'

describe('resolveInstance', () => {
  it('makes up an id for each copy, and tells nothing that nobody said', () => {
    const [one, other] = [1, 2].map(() => resolveInstance({ name: 'user' }, {}))
    expect(one).toEqual({ id: expect.stringMatching(/^user-[\da-f-]{36}$/) })
    expect(other?.id).not.toBe(one?.id)
  })

  it('takes what the code says, and before it what the environment says', () => {
    const instance = { id: 'a', host: 'user-a.shop', zone: 'eu-1', weight: 2, metadata: { colour: 'blue' } }
    expect(resolveInstance({ name: 'user', instance }, {})).toEqual(instance)
    const environment = { TENON_INSTANCE_ID: '0', TENON_ADVERTISED_HOST: '10.0.0.7', TENON_ZONE: 'eu-2' }
    expect(resolveInstance({ name: 'user', instance }, environment)).toEqual({
      ...instance,
      id: 'user-0',
      host: '10.0.0.7',
      zone: 'eu-2',
    })
    const empty = { TENON_INSTANCE_ID: '', TENON_ADVERTISED_HOST: '', TENON_ZONE: '' }
    expect(resolveInstance({ name: 'user', instance }, empty)).toEqual(instance)
  })
})

describe('checkInstance', () => {
  const messages = (instance: InstanceOptions, environment = {}) =>
    checkInstance({ instance }, resolveInstance({ name: 'user', instance }, environment)).map(({ message }) => message)

  it.each<InstanceOptions>([
    {},
    { id: 'user-0.a_b', host: 'fd00::1', zone: 'eu-central-1a', weight: 0, metadata: { 'a.b-c_d': 'Ä,"' } },
    { host: 'user.shop.svc', weight: 1_000 },
  ])('has nothing against %j', (instance) => expect(messages(instance)).toEqual([]))

  it.each<[InstanceOptions, string]>([
    [
      { id: 'a/b' },
      'instance: the id (id, or TENON_INSTANCE_ID) must be letters, digits, "-", "_" and ".", found "a/b"',
    ],
    [{ id: '' }, 'instance: the id (id, or TENON_INSTANCE_ID) must be letters, digits, "-", "_" and ".", found ""'],
    [
      { zone: 'a b' },
      'instance: the zone (zone, or TENON_ZONE) must be letters, digits, "-", "_" and ".", found "a b"',
    ],
    [
      { host: '0.0.0.0' },
      'instance: the host (host, or TENON_ADVERTISED_HOST) must be a name or an address at which others reach this copy, found "0.0.0.0"',
    ],
    [
      { host: 'http://a' },
      'instance: the host (host, or TENON_ADVERTISED_HOST) must be a name or an address at which others reach this copy, found "http://a"',
    ],
    [{ weight: 1.5 }, 'instance: weight must be a whole number from 0 to 1000, found 1.5'],
    [{ weight: -1 }, 'instance: weight must be a whole number from 0 to 1000, found -1'],
    [
      { metadata: { 'a b': 'x' } },
      'instance: metadata: expected names of letters, digits, "-", "_" and ".", found "a b"',
    ],
    [{ metadata: { a: 1 as never } }, 'instance: metadata.a: expected text'],
    [
      { zones: 'eu' } as never,
      'instance: "zones" is no option, perhaps zone is meant; expected id, host, zone, weight, metadata',
    ],
    [null as never, 'instance: expected an object, found null'],
    [{ metadata: null as never }, 'instance: metadata: expected texts by name, found null'],
    [
      { host: 5 as never },
      'instance: the host (host, or TENON_ADVERTISED_HOST) must be a name or an address at which others reach this copy, found 5',
    ],
    [
      { id: 7 as never },
      'instance: the id (id, or TENON_INSTANCE_ID) must be letters, digits, "-", "_" and ".", found 7',
    ],
  ])('refuses %j', (instance, message) => expect(messages(instance)).toEqual([message]))
})
