import type { EventType } from '../contract/event.ts'
import { type OlderEvent, olderEvents, type UpcastStep } from '../contract/event-upcast.ts'
import { markUnreadable } from '../error/unreadable.ts'
import { ServiceError, type Violation } from '../error/service-error.ts'
import { type CompiledSchema, compileSchema, type SchemaResult } from '../schema/compiled-schema.ts'

/** An event whose topic a consumer reads, with how its payloads are read. */
export interface ReadVersion {
  readonly event: EventType
  /** What the consumer declared, where `event` is an older one. */
  readonly into: EventType | undefined
  readonly input: CompiledSchema
}

/**
 * The event that a consumer declared, and the older ones that it reads too.
 *
 * @throws ContractError `contract.schema`
 */
export function readVersions(event: EventType): readonly ReadVersion[] {
  const schemas = new Map<EventType, CompiledSchema>()
  const schemaOf = (of: EventType): CompiledSchema => {
    const schema =
      schemas.get(of) ?? compileSchema(of.payloadSchema, of.payloadJsonSchema, `event ${of.topic}: payload`)
    schemas.set(of, schema)
    return schema
  }
  return [
    { event, into: undefined, input: schemaOf(event) },
    ...olderEvents(event).map((older) => ({ event: older.event, into: event, input: olderReader(older, schemaOf) })),
  ]
}

/** Reads a payload by its own schema, then brings it up step by step; each result must fit the schema of its event. */
function olderReader({ event, steps }: OlderEvent, schemaOf: (of: EventType) => CompiledSchema): CompiledSchema {
  const own = schemaOf(event)
  const reads = steps.map((step) => stepReader(event, step, schemaOf(step.into)))
  return {
    ...own,
    read: (value) => reads.reduce<MaybePromise<SchemaResult>>((result, read) => then(result, read), own.read(value)),
  }
}

type MaybePromise<Value> = Value | Promise<Value>

function stepReader(from: EventType, { into, convert }: UpcastStep, schema: CompiledSchema) {
  return (older: SchemaResult): MaybePromise<SchemaResult> => {
    if (!older.ok) return older
    const newer = converted(() => convert(older.value), { from, into })
    return then(schema.read(newer), (result) => {
      if (!result.ok) throw upcastFailed({ from, into }, misfit(result.violations))
      return result
    })
  }
}

interface Way {
  readonly from: EventType
  readonly into: EventType
}

/** A copy, for reading fills in and drops fields, and what an upcast gives may be shared by all messages. */
function converted(convert: () => unknown, way: Way): unknown {
  try {
    return structuredClone(convert())
  } catch (cause) {
    throw upcastFailed(way, cause)
  }
}

function upcastFailed({ from, into }: Way, cause: unknown): ServiceError {
  const message = `a payload of ${from.topic} could not be made one of ${into.topic}`
  return markUnreadable(new ServiceError('internal', message, { reason: 'upcast_failed', cause }))
}

function misfit(violations: readonly Violation[]): Error {
  const found = violations.map(({ field, message }) => `${field || '(all of it)'} ${message}`).join('; ')
  return new Error(`what the upcast gave does not fit its schema: ${found}`)
}

function then<From, To>(value: MaybePromise<From>, step: (value: From) => MaybePromise<To>): MaybePromise<To> {
  return value instanceof Promise ? value.then(step) : step(value)
}
