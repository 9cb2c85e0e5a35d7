import type { Instance } from '@tenon/core/registry'
import { requireEqual } from '../../conformance/assertion.ts'
import { eventually } from '../../eventually.ts'
import type { RegistryFeature } from '../registry-feature.ts'
import { type RegistryBehaviour, registryBehavioursOf } from '../registry-behaviour.ts'
import type { RegistryStage } from '../registry-stage.ts'
import { addressesOf } from '../watched.ts'

const field = registryBehavioursOf('field')

interface Field {
  readonly what: string
  readonly needs?: readonly RegistryFeature[]
  readonly values: readonly Partial<Instance>[]
  /** What of an instance must come through. */
  readonly of: (instance: Instance) => unknown
}

const endpoint = (host: string, port: number, protocol = 'grpc') => ({ protocol, host, port })

/** Whatever a text may have. */
const odd = [
  'ö ß 漢字 🦀 e\u0301',
  '"quoted" \\ \'single\' `tick` $var ${var} %20 &amp; <b>',
  'a=b,c=d;e:f|g\tt\nn',
  '  padded  ',
  '{"json":[true]}',
]

const fields: readonly Field[] = [
  {
    what: 'an endpoint, with protocol, host and port',
    values: [{}],
    of: ({ endpoints }) => endpoints,
  },
  {
    what: 'several endpoints, each with its protocol and host',
    needs: ['endpoint.several'],
    values: [{ endpoints: [endpoint('10.2.0.1', 50_051), endpoint('user.internal', 8_080, 'http')] }],
    of: ({ endpoints }) => endpoints.toSorted((one, other) => one.port - other.port),
  },
  {
    what: 'an IPv6 address, as it was written',
    needs: ['endpoint.ipv6'],
    values: [{ endpoints: [endpoint('2001:db8::7', 50_051)] }],
    of: ({ endpoints }) => endpoints,
  },
  { what: 'the id', needs: ['field.id'], values: [{}], of: ({ id }) => id },
  {
    what: 'a version with all that a version may have',
    needs: ['field.version'],
    values: ['1.2.3', '2.0.0-rc.1+build.5', '0.0.1-alpha-2+20261122.abc-def'].map((version) => ({ version })),
    of: ({ version }) => version,
  },
  {
    what: 'the zone, or that there is none',
    needs: ['field.zone'],
    values: [{ zone: 'eu-central-1a' }, {}],
    of: ({ zone }) => zone,
  },
  {
    what: 'the weight, which is 1 unless it is given',
    needs: ['field.weight'],
    values: [{}, { weight: 0 }, { weight: 7 }, { weight: 1_000 }],
    of: ({ weight = 1 }) => weight,
  },
  {
    what: 'metadata of any text, under keys of any form',
    needs: ['field.metadata'],
    values: [
      {},
      { metadata: { 'a.b-c_D9': 'x', empty: '', ...Object.fromEntries(odd.map((text, at) => [`odd${at}`, text])) } },
      { metadata: { 'git-sha': 'abc', version: 'not the version', id: 'not the id', weight: '7' } },
    ],
    of: ({ metadata = {} }) => metadata,
  },
  {
    what: 'the health, which is serving unless it is given',
    needs: ['field.health'],
    values: [{}, { health: 'serving' }, { health: 'draining' }, { health: 'not_serving' }],
    of: ({ health = 'serving' }) => health,
  },
]

export const fieldCases: readonly RegistryBehaviour[] = fields.map((one) =>
  field(`${one.what} comes through`, {
    ...(one.needs && { needs: one.needs }),
    run: (stage) => comesThrough(stage, one),
  }),
)

async function comesThrough({ open, show, instance, bounds }: RegistryStage, { values, of }: Field): Promise<void> {
  const instances = values.map((value, number) => instance(number + 1, value))
  await show(instances)
  const watch = (await open()).watch()
  const byAddress = (list: readonly Instance[]) =>
    list.toSorted((one, other) => (addressesOf([one]).join() < addressesOf([other]).join() ? -1 : 1)).map(of)
  await eventually(() => requireEqual(byAddress(watch.newest), byAddress(instances), 'what is told should be'), {
    timeoutMs: bounds.seenMs,
  })
}
