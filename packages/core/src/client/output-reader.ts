import type { Operation } from '../contract/operation.ts'
import { markRemote, ServiceError } from '../error/service-error.ts'
import { WiringError } from '../error/setup-error.ts'
import type { CompiledSchema, SchemaResult } from '../schema/compiled-schema.ts'
import type { ClientInterceptor } from './client-method.ts'

/**
 * Reads what a call gives. Where there are interceptors, the remote's output is checked before they see it; so what does
 * not fit after them is of their making, though not of any one of them for sure.
 */
export class OutputReader {
  readonly #schema: CompiledSchema
  readonly #author: string
  readonly #toError: (message: string) => Error

  constructor({ id }: Operation, schema: CompiledSchema, interceptors: readonly ClientInterceptor[]) {
    const names = interceptors.map(({ name }) => name || '(anonymous)').join(', ')
    this.#schema = schema
    this.#author =
      names === '' ? "the remote's output" : `the output for ${id} that the client's interceptors (${names}) gave`
    this.#toError =
      names === '' ? remoteMisfit : (message) => new WiringError([{ code: 'wiring.interceptor', message }])
  }

  /** The remote's output as it came. The check works on a copy, because reading may change what it reads. */
  async vouch(output: unknown): Promise<unknown> {
    const result = await this.#schema.read(structuredClone(output))
    if (!result.ok) throw remoteMisfit(`the remote's output ${misfit(result)}`)
    return output
  }

  async *vouchItems(items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    for await (const item of items) yield await this.vouch(item)
  }

  /** The client is the reader of outputs; one that does not fit is not its caller's fault, who learns of it as `internal`. */
  read(output: unknown): unknown {
    const result = this.#schema.read(output)
    return result instanceof Promise ? result.then((late) => this.#valueOf(late)) : this.#valueOf(result)
  }

  requireItems(items: unknown): AsyncIterable<unknown> {
    if (isAsyncIterable(items)) return items
    throw this.#toError(`${this.#author} is no async iterable`)
  }

  #valueOf(result: SchemaResult): unknown {
    if (result.ok) return result.value
    throw this.#toError(`${this.#author} ${misfit(result)}`)
  }
}

/** `internal` for whoever calls the client; to a caller of ours it is told with a fixed text, as all that remotes do wrong. */
function remoteMisfit(message: string): ServiceError {
  return markRemote(new ServiceError('internal', message))
}

function misfit({ violations: [first] }: Extract<SchemaResult, { readonly ok: false }>): string {
  return `does not fit its schema: ${first?.field || '(output)'} ${first?.message}`
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
