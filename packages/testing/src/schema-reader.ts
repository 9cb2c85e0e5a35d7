import type { Operation } from '@tenon/core/contract'
import { type CompiledSchema, compileSchema } from '@tenon/core/transport'

/** Reads the inputs or outputs of operations as whoever gets them does: checked, with transforms run. */
export class SchemaReader {
  readonly #side: 'input' | 'output'
  readonly #compiled = new WeakMap<Operation, CompiledSchema>()

  constructor(side: 'input' | 'output') {
    this.#side = side
  }

  /** @throws Error for a value that does not fit, as a service may send that does not check its outputs */
  async read(operation: Operation, value: unknown): Promise<unknown> {
    // A copy: reading may change the value, which may be the handler's own.
    const result = await this.#schemaOf(operation).read(structuredClone(value))
    if (result.ok) return result.value
    const found = result.violations.map(({ field, message }) => `${field || `(${this.#side})`} ${message}`).join('; ')
    throw new Error(`the ${this.#side} of ${operation.id} does not fit its schema: ${found}`)
  }

  async *readEach(operation: Operation, items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    for await (const item of items) yield await this.read(operation, item)
  }

  #schemaOf(operation: Operation): CompiledSchema {
    const { id, inputSchema, inputJsonSchema, outputSchema, outputJsonSchema } = operation
    const known = this.#compiled.get(operation)
    if (known) return known
    const where = `operation ${id}: ${this.#side}`
    const schema =
      this.#side === 'input'
        ? compileSchema(inputSchema, inputJsonSchema, where)
        : compileSchema(outputSchema, outputJsonSchema, where)
    this.#compiled.set(operation, schema)
    return schema
  }
}
