import type { Operation } from '../../contract/operation.ts'
import { type ErrorDetails, isErrorCode, ServiceError } from '../../error/service-error.ts'
import { isShutdown } from '../../error/shutdown.ts'
import { drainingReason } from '../../call/gate.ts'
import { compileJsonReader, compileJsonWriter } from '../../schema/native/json-conversion.ts'
import type { JsonSchema } from '../../schema/schema.ts'
import { markNotSent } from '../not-sent.ts'

/** What a value becomes on its way: nothing of it is shared. */
export type Copy = (value: unknown) => unknown

export interface LocalCodec {
  readonly input: Copy
  readonly output: Copy
}

/** How values of an operation come out of a wire: as JSON tells them, with native values where the schemas say so. */
export function compileLocalCodec({ inputJsonSchema, outputJsonSchema }: Operation): LocalCodec {
  const output = compileCopy(outputJsonSchema)
  // An object whose reply has no body has no field.
  const nothing = outputJsonSchema['type'] === 'object' ? () => ({}) : () => undefined
  return {
    input: compileCopy(inputJsonSchema),
    output: (value) => (value === undefined ? nothing() : output(value)),
  }
}

function compileCopy(schema: JsonSchema): Copy {
  const write = compileJsonWriter(schema)
  const toNative = compileJsonReader(schema) ?? ((value: unknown) => value)
  return (value) => {
    const text: string | undefined = write(value)
    return text === undefined ? undefined : toNative(JSON.parse(text))
  }
}

/**
 * An error as its caller gets it: what is sent of it, and nothing of what led to it.
 *
 * @throws TypeError for one that cannot be sent, with a code that is none or details that are no JSON.
 */
export function toReceived(error: ServiceError): ServiceError {
  const { code, message, reason, details } = error
  if (!isErrorCode(code)) throw new TypeError(`a call failed with a code that is none: ${String(code)}`)
  const received = new ServiceError(code, message, {
    ...(reason !== undefined && { reason }),
    ...(details !== undefined && withFields(JSON.parse(JSON.stringify(details)) as ErrorDetails)),
  })
  // What the dispatcher refused at its door never ran.
  return isShutdown(error) && reason === drainingReason ? markNotSent(received) : received
}

function withFields(details: ErrorDetails): { readonly details?: ErrorDetails } {
  return Object.keys(details).length > 0 ? { details } : {}
}
