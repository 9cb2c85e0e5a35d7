import { ServiceError } from '@tenon/core/transport'

/** A copy of an input as a wire would make one, except that what has no JSON form stays for the schema to refuse. */
export function copyOf(input: unknown): unknown {
  return structuredClone(input)
}

/**
 * Copies the items of an input stream one by one, as they are asked for.
 *
 * @throws TypeError for what is no iterable. The steps throw ServiceError `cancelled` when the caller's own source fails: it is
 * a caller that broke off.
 */
export function copyItems(items: unknown): AsyncGenerator<unknown> {
  if (!isIterable(items)) throw new TypeError(`expected an iterable of input items, found ${describe(items)}`)
  return copyEach(items)
}

async function* copyEach(items: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<unknown> {
  try {
    for await (const item of items) yield copyOf(item)
  } catch (cause) {
    throw new ServiceError('cancelled', 'the caller broke off its input', { cause })
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : typeof value
}
