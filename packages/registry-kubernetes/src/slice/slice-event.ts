/** An object of the API, of which nothing is certain but its name and version. */
export interface SliceObject {
  readonly name: string
  /** Opaque, but that a larger number is newer. @see Kubernetes, Resource versions */
  readonly version: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** One line of a watch. */
export type SliceEvent =
  | { readonly type: 'put' | 'drop'; readonly slice: SliceObject }
  | { readonly type: 'bookmark'; readonly version: string }
  | { readonly type: 'error'; readonly status: number; readonly message: string }

/**
 * Reads a line of a watch.
 *
 * @throws SyntaxError for what is no event.
 * @see Kubernetes, Efficient detection of changes
 */
export function toEvent(line: string): SliceEvent {
  const { type, object } = fieldsOf(JSON.parse(line))
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'put', slice: toSliceObject(object) }
    case 'DELETED':
      return { type: 'drop', slice: toSliceObject(object) }
    case 'BOOKMARK':
      return { type: 'bookmark', version: versionOf(fieldsOf(object)) }
    case 'ERROR': {
      const { code, message } = fieldsOf(object)
      if (typeof code !== 'number' || typeof message !== 'string') throw new SyntaxError('an error that says nothing')
      return { type: 'error', status: code, message }
    }
    default:
      throw new SyntaxError(`an event of type ${JSON.stringify(type)}`)
  }
}

/** A page of a list. */
export interface SlicePage {
  readonly slices: readonly SliceObject[]
  readonly version: string
  /** Where the next page begins; undefined at the last. */
  readonly next: string | undefined
}

/** @throws SyntaxError for what is no list. */
export function toPage(text: string): SlicePage {
  const { items, metadata } = fieldsOf(JSON.parse(text))
  const { continue: next } = fieldsOf(metadata)
  if (items !== null && !Array.isArray(items)) throw new SyntaxError('a list without items')
  return {
    slices: (items ?? []).map(toSliceObject),
    version: versionOf({ metadata }),
    next: typeof next === 'string' && next !== '' ? next : undefined,
  }
}

function toSliceObject(object: unknown): SliceObject {
  const fields = fieldsOf(object)
  const { name } = fieldsOf(fields['metadata'])
  if (typeof name !== 'string') throw new SyntaxError('an object without a name')
  return { name, version: versionOf(fields), fields }
}

function versionOf(fields: Readonly<Record<string, unknown>>): string {
  const { resourceVersion } = fieldsOf(fields['metadata'])
  if (typeof resourceVersion !== 'string') throw new SyntaxError('an object without a version')
  return resourceVersion
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
