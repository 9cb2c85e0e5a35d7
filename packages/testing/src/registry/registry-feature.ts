/**
 * What a registry, or the half of one, may lack, each with the sentence that says what having it means. A case names those it needs; a
 * registry that lacks one says why.
 */
export const registryFeatures = {
  announce: 'instances are announced through it',
  change: 'the list of a name may change while it is watched',
  expire: 'an instance whose process dies without a goodbye disappears',
  forget: 'the registry can lose an instance that goes on running',
  restart: 'its server can be killed and started again',
  malformed: 'others can leave records under the same name that cannot be read',
  'link.cut': 'the way to the registry can be cut, which closes connections and refuses new ones',
  'link.freeze': 'the way to the registry can become half-open: nothing arrives any more, and nobody says so',
  'link.slow': 'the way to the registry can be slow',
  'link.count': 'the connections on the way to the registry can be counted',
  'endpoint.several': 'an instance may have several endpoints, each with its own protocol and host',
  'endpoint.ipv6': 'an instance may have an IPv6 address',
  'field.id': 'the id of an instance is told',
  'field.version': 'its version is told',
  'field.zone': 'its zone is told',
  'field.weight': 'its weight is told',
  'field.metadata': 'its metadata is told',
  'field.health': 'its health is told',
  long: 'cases that take half a minute are run',
} as const satisfies Readonly<Record<string, string>>

/** Something that a registry may lack. */
export type RegistryFeature = keyof typeof registryFeatures

/** What a registry cannot do, each with the reason. */
export type RegistryLacks = { readonly [Name in RegistryFeature]?: string }
