import { Field } from './field.ts'

/** An object of Kubernetes as it was written, or as the API server has it. */
export interface Manifest {
  readonly kind: string
  readonly name: string
  /** Undefined where it is left to who applies it. */
  readonly namespace: string | undefined
  readonly root: Field
}

/** The objects in a document: itself, or those of a list. None where it has no kind, such as a file of values. */
export function manifestsIn(document: unknown): readonly Manifest[] {
  const root = new Field('', '', document)
  const kind = root.at('kind').text
  if (kind === undefined) return []
  if (kind.endsWith('List') && root.at('items').isSet)
    return root.at('items').items.flatMap(({ value }) => manifestsIn(value))
  const name = root.at('metadata', 'name').shown ?? root.at('metadata', 'generateName').shown ?? ''
  const namespace = root.at('metadata', 'namespace').text
  return [{ kind, name, namespace, root: new Field(`${kind}/${name}`, '', document) }]
}

/** Whether two objects may meet: in one namespace, as far as it was written. */
export function isBeside(one: Manifest, other: Manifest): boolean {
  return one.namespace === undefined || other.namespace === undefined || one.namespace === other.namespace
}
