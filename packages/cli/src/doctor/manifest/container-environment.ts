import type { Field } from './field.ts'
import { isBeside, type Manifest } from './manifest.ts'

/** A variable as the container gets it. */
export interface Variable {
  readonly origin: 'value' | 'config_map' | 'secret' | 'pod' | 'image'
  /** Undefined where it is not at hand, as what a Secret of the cluster holds. */
  readonly value: string | undefined
  /** Where it was written. */
  readonly at: Field
}

/** All variables of a container. */
export interface ContainerEnvironment {
  readonly variables: ReadonlyMap<string, Variable>
  /** Whether there can be no others: all sources are at hand, and no file is mounted that settings could be read from. */
  readonly isWhole: boolean
  /** References to a ConfigMap or Secret that is at hand and has no such key. */
  readonly broken: readonly BrokenReference[]
}

export interface BrokenReference {
  readonly at: Field
  /** `ConfigMap/user-config` */
  readonly source: string
  readonly key: string
}

interface Container {
  readonly container: Field
  readonly pod: Field
  readonly workload: Manifest
  readonly manifests: readonly Manifest[]
  /** What its image is known to set. */
  readonly imageVariables: ReadonlyMap<string, string>
}

/** Reads `envFrom` and `env` in the order in which the kubelet does: what comes later counts. */
export function environmentOf(given: Container): ContainerEnvironment {
  const { container, imageVariables } = given
  const ofImage = Array.from(
    imageVariables,
    ([name, value]) => [name, { origin: 'image', value, at: container }] as const,
  )
  const variables = new Map<string, Variable>(ofImage)
  const broken: BrokenReference[] = []
  let isWhole = !mountsSettings(given)
  for (const source of container.at('envFrom').items) {
    const found = variablesFrom(source, given)
    if (found === undefined) isWhole = false
    for (const [name, variable] of found ?? []) variables.set(name, variable)
  }
  for (const entry of container.at('env').items) {
    const name = entry.at('name').text
    if (name === undefined) continue
    const read = variableOf(entry, { ...given, variables })
    if ('variable' in read) variables.set(name, read.variable)
    if ('broken' in read) broken.push(read.broken)
  }
  return { variables, isWhole, broken }
}

/** Files that the service's settings may be read from. */
function mountsSettings({ container, pod }: Container): boolean {
  const mounted = new Set(container.at('volumeMounts').items.map((mount) => mount.at('name').text))
  return pod
    .at('volumes')
    .items.filter((volume) => mounted.has(volume.at('name').text))
    .some((volume) => ['configMap', 'secret', 'projected', 'csi'].some((kind) => volume.at(kind).isSet))
}

/** Undefined where the source is not at hand. */
function variablesFrom(source: Field, given: Container): ReadonlyMap<string, Variable> | undefined {
  const place =
    sourceOf(source.at('configMapRef'), 'ConfigMap', given) ?? sourceOf(source.at('secretRef'), 'Secret', given)
  if (place === undefined) return undefined
  const origin = place.kind === 'ConfigMap' ? 'config_map' : 'secret'
  const prefix = source.at('prefix').text ?? ''
  return new Map(Array.from(dataOf(place), ([key, value]) => [prefix + key, { origin, value, at: source }]))
}

type ReadVariable = { readonly variable: Variable } | { readonly broken: BrokenReference } | object

function variableOf(
  entry: Field,
  given: Container & { readonly variables: ReadonlyMap<string, Variable> },
): ReadVariable {
  const valueFrom = entry.at('valueFrom')
  if (!valueFrom.isSet) {
    const value = expanded(entry.at('value').shown ?? '', given.variables)
    return { variable: { origin: 'value', value, at: entry.at('value') } }
  }
  for (const [name, kind, origin] of references) {
    const reference = valueFrom.at(name)
    if (reference.isSet) return referredTo(reference, { kind, origin, given })
  }
  return { variable: { origin: 'pod', value: undefined, at: valueFrom } }
}

const references = [
  ['configMapKeyRef', 'ConfigMap', 'config_map'],
  ['secretKeyRef', 'Secret', 'secret'],
] as const

interface Referrer {
  readonly kind: 'ConfigMap' | 'Secret'
  readonly origin: 'config_map' | 'secret'
  readonly given: Container
}

function referredTo(reference: Field, { kind, origin, given }: Referrer): ReadVariable {
  const source = sourceOf(reference, kind, given)
  const key = reference.at('key').text ?? ''
  if (source === undefined) return { variable: { origin, value: undefined, at: reference } }
  const data = dataOf(source)
  if (data.has(key)) return { variable: { origin, value: data.get(key), at: reference } }
  if (reference.at('optional').value === true) return {}
  return { broken: { at: reference, source: source.root.object, key } }
}

function sourceOf(reference: Field, kind: string, { manifests, workload }: Container): Manifest | undefined {
  const name = reference.at('name').text
  return manifests.find((other) => other.kind === kind && other.name === name && isBeside(other, workload))
}

function dataOf({ root }: Manifest): ReadonlyMap<string, string | undefined> {
  const isEncoded = root.object.startsWith('Secret/')
  const data = Array.from(root.at('data').labels, ([key, value]) => [key, isEncoded ? decoded(value) : value] as const)
  return new Map([...data, ...root.at('stringData').labels])
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8')
}

/**
 * Puts variables that came before in their places: `$(NAME)`. Undefined where one of them is not known.
 *
 * @see Kubernetes documentation, define dependent environment variables
 */
function expanded(text: string, variables: ReadonlyMap<string, Variable>): string | undefined {
  let isKnown = true
  const result = text.replaceAll(/\$\$|\$\(([\w.-]+)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$'
    const variable = variables.get(name)
    if (variable !== undefined && variable.value === undefined) isKnown = false
    return variable?.value ?? whole
  })
  return isKnown ? result : undefined
}
