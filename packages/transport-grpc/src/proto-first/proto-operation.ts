import type { DescMethod } from '@bufbuild/protobuf'
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt'
import {
  type HttpBinding,
  type Idempotency,
  type OperationSpec,
  type RouteText,
  type Schema,
  stream,
} from '@tenon/core/contract'
import type { SetupProblem } from '@tenon/core/transport'
import { toRemarks } from './comment.ts'
import { readHttpBinding } from './http-route.ts'
import { toMessageSchema, type ValueSettings } from './message-schema.ts'
import { isOneObject } from './well-known.ts'

/** What a contract says of an operation beside what its `.proto` file says. */
export interface ProtoOperationOptions extends Omit<OperationSpec, 'input' | 'output' | 'http'> {
  /** @defaultValue what google.api.http says; `false` for no route */
  readonly http?: RouteText | HttpBinding | false
}

/** What the operations of a contract are made by. */
export interface OperationSettings extends ValueSettings {
  /** Whether annotations become routes. */
  readonly http: boolean
  readonly report: (problem: SetupProblem) => void
}

/** The specification of a method: what its file says, and over that what the options say. */
export function toOperationSpec(
  method: DescMethod,
  options: ProtoOperationOptions,
  settings: OperationSettings,
): OperationSpec {
  const { http: given, ...others } = options
  const http = given === undefined && settings.http ? readAnnotation(method, settings) : given
  requireOneObject(method, settings)
  const { input, output } = directed(method, settings)
  return {
    input,
    output,
    ...idempotencyOf(method),
    ...(method.deprecated ? { deprecated: true } : {}),
    ...toRemarks(settings.commentary.of(method)),
    ...(http === undefined || http === false ? {} : { http }),
    ...others,
  }
}

function requireOneObject({ parent, name, input }: DescMethod, { report }: OperationSettings): void {
  if (isOneObject(input)) return
  const message = `method ${parent.typeName}.${name}: its request is ${input.typeName}, and an input must be one object; give the method a message of its own that has it as a field`
  report({ code: 'contract.schema', message })
}

function readAnnotation(method: DescMethod, { report }: OperationSettings): HttpBinding | undefined {
  const name = `${method.parent.typeName}.${method.name}`
  return readHttpBinding(method, (problem) => {
    const message = `method ${name}: its google.api.http cannot be a route: ${problem}; or give the operation http: false, or a route`
    report({ code: 'contract.route', message })
  })
}

function directed(method: DescMethod, settings: ValueSettings): Pick<OperationSpec, 'input' | 'output'> {
  const input: Schema = toMessageSchema(method.input, settings)
  const output: Schema = toMessageSchema(method.output, settings)
  const kind = method.methodKind
  return {
    input: kind === 'client_streaming' || kind === 'bidi_streaming' ? stream(input) : input,
    output: kind === 'server_streaming' || kind === 'bidi_streaming' ? stream(output) : output,
  }
}

/** Where a file says nothing, the route does. @see google/protobuf/descriptor.proto, MethodOptions.IdempotencyLevel */
function idempotencyOf({ idempotency }: DescMethod): { readonly idempotency?: Idempotency } {
  if (idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return { idempotency: 'safe' }
  return idempotency === MethodOptions_IdempotencyLevel.IDEMPOTENT ? { idempotency: 'idempotent' } : {}
}
