import type { Operation } from '@tenon/core/contract'
import { type CompiledSchema, compileSchema } from '@tenon/core/transport'

const compiled = new WeakMap<Operation, CompiledSchema>()

/**
 * An output, or an item of it, as a client gives it: transforms have run.
 *
 * @throws Error for one that does not fit, as a service may send that does not check its outputs
 */
export async function readOutput(operation: Operation, output: unknown): Promise<unknown> {
  const { id, outputSchema, outputJsonSchema } = operation
  const schema = compiled.get(operation) ?? compileSchema(outputSchema, outputJsonSchema, `operation ${id}: output`)
  compiled.set(operation, schema)
  // A copy: reading may change the value, which may be the handler's own.
  const result = await schema.read(structuredClone(output))
  if (result.ok) return result.value
  const found = result.violations.map(({ field, message }) => `${field || '(output)'} ${message}`).join('; ')
  throw new Error(`the output of ${id} does not fit its schema: ${found}`)
}
