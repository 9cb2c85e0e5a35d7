import type { HttpOperation, Operation } from '@tenon/core/contract'
import { invalidArgument } from '@tenon/core/transport'
import type { WireReply, WireRequest } from './connection-pool.ts'
import { acceptedStreamTypes, compileItemsReader } from './read-items.ts'
import { acceptedTypes, compileValueReader } from './read-reply.ts'
import type { SentItems } from './sent-items.ts'
import { compileBodyWriter, compileItemsWriter } from './write-body.ts'
import { compileFieldWriter, hasPlacedFields, type InputFields, type WrittenFields } from './write-fields.ts'

type Headers = WireRequest['headers']

/** One operation as it stands in HTTP. What a call needs is compiled once. */
export interface ClientMethod {
  /** @throws ServiceError `invalid_argument` */
  writeOne(input: unknown, headers: Headers): WireRequest
  /**
   * Waits for the first item where it tells the path.
   *
   * @throws what the source throws, or the signal was fired with; ServiceError `invalid_argument`
   */
  writeStream(items: SentItems, headers: Headers, signal: AbortSignal): Promise<WireRequest>
  readOne(reply: WireReply): Promise<unknown>
  readStream(reply: WireReply): AsyncGenerator<unknown>
}

/** Decides how an operation goes onto the wire, by the first of its routes. */
export function compileClientMethod(operation: Operation, http: HttpOperation, limitBytes: number): ClientMethod {
  const { method } = http
  const isAnsweredOnce = operation.kind === 'unary' || operation.kind === 'client_stream'
  const accept = isAnsweredOnce ? acceptedTypes(operation) : acceptedStreamTypes(operation)
  const isRepeatable = operation.idempotency !== 'none'
  const divide = compileFieldWriter(http)
  const hasPlaced = hasPlacedFields(http)
  const writeBody = compileBodyWriter(operation, http)
  const beginItems = compileItemsWriter(operation)
  return {
    writeOne: (input, metadata) => {
      const { path, headers, rest } = divide(toFields(input))
      const { contentType, body } = writeBody(rest)
      const type = contentType === undefined ? {} : { 'content-type': contentType }
      return { method, path, headers: { accept, ...join(metadata, headers), ...type }, body, isRepeatable }
    },
    writeStream: async (items, metadata, signal) => {
      const writer = beginItems()
      const item = hasPlaced ? await items.peek() : undefined
      signal.throwIfAborted()
      const first = divide(toFields(item))
      const toRest = (next: unknown) => (hasPlaced ? restOf(divide(toFields(next)), first) : toFields(next))
      const body = items.writeBy(writer, (next) => writer.write(toRest(next)))
      const headers = { accept, ...join(metadata, first.headers), 'content-type': writer.contentType }
      return { method, path: first.path, headers, body, isRepeatable: false }
    },
    readOne: compileValueReader(operation, http, limitBytes),
    readStream: compileItemsReader(operation, limitBytes),
  }
}

/** Fields of the input win over metadata of the same name; cookies stand side by side. */
function join(metadata: Headers, { cookie, ...fields }: Headers): Headers {
  const { cookie: others } = metadata
  const cookies = [others, cookie].filter((text) => text !== undefined).join('; ')
  return { ...metadata, ...fields, ...(cookies !== '' && { cookie: cookies }) }
}

/** There is one head for all items. */
function restOf({ path, headers, rest }: WrittenFields, first: WrittenFields): InputFields {
  if (path === first.path && isSame(headers, first.headers)) return rest
  const message = 'must have the same values as the first item in all fields that are not in the body'
  throw invalidArgument([{ field: '', message, rule: 'location' }])
}

function isSame(headers: Headers, others: Headers): boolean {
  const names = Object.keys(headers)
  return names.length === Object.keys(others).length && names.every((name) => headers[name] === others[name])
}

function toFields(input: unknown): InputFields {
  return (input ?? {}) as InputFields
}
