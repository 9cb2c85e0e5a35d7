import type { Operation } from '@tenon/core/contract'
import { isRecord } from '@tenon/core/transport'
import type { InputPlace } from './describe-input.ts'
import type { MediaType } from './document.ts'

type Examples = Pick<MediaType, 'examples'>

/**
 * The examples of a request body.
 *
 * @param part The field that is the body, or the fields that are not in it.
 */
export function inputExamples(
  { operation }: Pick<InputPlace, 'operation'>,
  part: string | ReadonlySet<string>,
): Examples {
  return toExamples(operation, ({ input }) => {
    if (!isRecord(input)) return undefined
    if (typeof part === 'string') return input[part]
    return Object.fromEntries(Object.entries(input).filter(([name]) => !part.has(name)))
  })
}

/** The examples of a reply. */
export function outputExamples(operation: Operation): Examples {
  return toExamples(operation, ({ output }) => output)
}

function toExamples({ examples }: Operation, read: (example: Operation['examples'][number]) => unknown): Examples {
  const entries = examples.flatMap((example, index) => {
    const value = read(example)
    const { name = `example${index + 1}`, summary } = example
    return value === undefined ? [] : [[name, { ...(summary !== undefined && { summary }), value }] as const]
  })
  return entries.length === 0 ? {} : { examples: Object.fromEntries(entries) }
}
