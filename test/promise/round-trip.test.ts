import { defineHandler, defineService, type HandlerDefinition } from '@tenon/core'
import type { ClientChannel } from '@tenon/core/client'
import { bytes, contract, contractInfo, int64, type Operation, type Schema } from '@tenon/core/contract'
import { compileJsonWriter, ServiceError } from '@tenon/core/transport'
import { memoryTransport } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import fc from 'fast-check'
import Type, { type TProperties, type TSchema } from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** A schema with the values that fit it, and some that do not but that every wire can carry. */
interface Sample {
  readonly schema: TSchema
  readonly fitting: fc.Arbitrary<unknown>
  readonly misfitting: fc.Arbitrary<unknown> | undefined
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 })

const scalars: readonly Sample[] = [
  { schema: Type.String(), fitting: text, misfitting: undefined },
  {
    schema: Type.String({ minLength: 2, maxLength: 5 }),
    fitting: fc.string({ unit: 'grapheme-ascii', minLength: 2, maxLength: 5 }),
    misfitting: fc.string({ unit: 'grapheme-ascii', minLength: 6, maxLength: 9 }),
  },
  { schema: Type.String({ format: 'uuid' }), fitting: fc.uuid(), misfitting: fc.constantFrom('', 'x', '1-2-3') },
  { schema: Type.Boolean(), fitting: fc.boolean(), misfitting: undefined },
  {
    schema: Type.Integer({ minimum: -5, maximum: 5 }),
    fitting: fc.integer({ min: -5, max: 5 }),
    misfitting: fc.integer({ min: 6, max: 2 ** 31 - 1 }),
  },
  { schema: Type.Integer(), fitting: fc.maxSafeInteger(), misfitting: undefined },
  {
    schema: Type.Number({ exclusiveMaximum: 1 }),
    fitting: fc.double({ max: 1, maxExcluded: true, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    misfitting: fc.double({ min: 1, noNaN: true, noDefaultInfinity: true }),
  },
  {
    schema: Type.Union([Type.Literal('red'), Type.Literal('green')]),
    fitting: fc.constantFrom('red', 'green'),
    misfitting: undefined,
  },
  {
    schema: int64({ minimum: -(2n ** 63n), maximum: 2n ** 62n }),
    fitting: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 62n }),
    misfitting: fc.bigInt({ min: 2n ** 62n + 1n, max: 2n ** 63n - 1n }),
  },
  {
    schema: bytes({ maxLength: 8 }),
    fitting: fc.uint8Array({ maxLength: 8 }),
    misfitting: fc.uint8Array({ minLength: 9, maxLength: 12 }),
  },
]

function listOf({ schema, fitting, misfitting }: Sample): Sample {
  return {
    schema: Type.Array(schema, { maxItems: 3 }),
    fitting: fc.array(fitting, { maxLength: 3 }),
    misfitting: misfitting && fc.array(misfitting, { minLength: 1, maxLength: 2 }),
  }
}

function recordOf({ schema, fitting, misfitting }: Sample): Sample {
  const keys = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 6 }).filter((key) => key !== '__proto__')
  return {
    schema: Type.Record(Type.String(), schema),
    fitting: fc.dictionary(keys, fitting, { maxKeys: 3, noNullPrototype: true }),
    misfitting:
      misfitting && fc.dictionary(fc.constantFrom('a', 'b'), misfitting, { minKeys: 1, noNullPrototype: true }),
  }
}

interface Field {
  readonly sample: Sample
  readonly isOptional: boolean
}

function objectOf(fields: readonly Field[]): Sample {
  const named = fields.map((field, index) => ({ name: `field${'ABCDEF'[index]}`, ...field }))
  const properties: TProperties = Object.fromEntries(
    named.map(({ name, sample, isOptional }) => [name, isOptional ? Type.Optional(sample.schema) : sample.schema]),
  )
  const fitting = Object.fromEntries(named.map(({ name, sample }) => [name, sample.fitting]))
  const broken = named.flatMap(({ name, sample: { misfitting } }) => (misfitting ? [{ name, misfitting }] : []))
  const requiredKeys = named.filter(({ isOptional }) => !isOptional).map(({ name }) => name)
  return {
    schema: Type.Object(properties),
    fitting: fc.record(fitting, { requiredKeys, noNullPrototype: true }).map((value) => ({ ...value })),
    misfitting:
      broken.length === 0
        ? undefined
        : fc.oneof(
            ...broken.map(({ name, misfitting }) =>
              fc.record({ ...fitting, [name]: misfitting }, { noNullPrototype: true }).map((value) => ({ ...value })),
            ),
          ),
  }
}

const anyScalar = fc.constantFrom(...scalars)

/** Objects of scalars, lists, records and objects. A list must be there: protobuf cannot tell an absent one from an empty one. */
const { object: anyObject } = fc.letrec<{ object: Sample; field: Field }>((tie) => ({
  field: fc.oneof(
    { depthSize: 'small' },
    fc.record({ sample: anyScalar, isOptional: fc.boolean() }),
    fc.record({ sample: fc.oneof(anyScalar.map(listOf), anyScalar.map(recordOf)), isOptional: fc.constant(false) }),
    fc.record({ sample: tie('object'), isOptional: fc.boolean() }),
    fc.record({ sample: tie('object').map(listOf), isOptional: fc.constant(false) }),
  ),
  object: fc.array(tie('field'), { minLength: 1, maxLength: 5 }).map(objectOf),
}))

const seed = 20_260_801
const samples = fc.sample(anyObject, { numRuns: 25, seed })

const echoes = contract(
  'demo.v1.EchoService',
  Object.fromEntries(
    samples.map((sample, index) => {
      const schema = sample.schema as TSchema & Schema
      return [`echo${index}`, { input: schema, output: schema, http: `POST /echo/${index}` as const }]
    }),
  ),
)
const operations = contractInfo(echoes).operations

/** What a caller comes to, whatever carried the call. */
type Answer = { readonly value: unknown } | { readonly code: string; readonly fields: readonly string[] }

const memory = memoryTransport()
const received = new Map<string, unknown>()
const service = defineService({
  name: 'echo',
  version: '1.0.0',
  admin: false,
  handlers: [echoHandler()],
  transports: () => [memory, httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
  checkOutput: 'always',
})

function echoHandler(): HandlerDefinition {
  const methods = operations.map(({ name, id }) => [
    name,
    (input: unknown) => {
      received.set(id, input)
      return input
    },
  ])
  return defineHandler(echoes, () => Object.fromEntries(methods))
}

let started: Awaited<ReturnType<typeof service.start>>
let channels: Readonly<Record<'grpc' | 'http', ClientChannel>>
beforeAll(async () => {
  started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const contractOf = { contract: contractInfo(echoes) }
  channels = {
    grpc: grpcClient().open({ ...contractOf, address: `127.0.0.1:${portOf('grpc')}` }),
    http: httpClient().open({ ...contractOf, address: `127.0.0.1:${portOf('http')}` }),
  }
})
afterAll(async () => {
  await Promise.all(Object.values(channels).map((channel) => channel.close()))
  await started.stop()
})

function portOf(protocol: string): number {
  const port = started.addresses.find((address) => address.protocol === protocol)?.port
  if (port === undefined) throw new Error(`nothing listens on ${protocol}`)
  return port
}

const ways: Readonly<Record<string, (operation: Operation, input: unknown) => Promise<Answer>>> = {
  memory: async (operation, input) => {
    const outcome = await memory.call(operation, input as never)
    return outcome.ok ? { value: outcome.value } : refusalOf(outcome.error)
  },
  http: async (operation, input) => {
    const json = compileJsonWriter(operation.inputJsonSchema)(input)
    const response = await fetch(`http://127.0.0.1:${portOf('http')}${operation.http?.path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: json,
    })
    const answer = await response.text()
    // JSON has no types of its own for some values; the same text stands for the same value.
    if (response.ok) return { value: answer === json ? input : answer }
    const body = JSON.parse(answer) as { code: string; errors?: readonly { field: string }[] }
    return { code: body.code, fields: (body.errors ?? []).map(({ field }) => field).toSorted() }
  },
  httpClient: async (operation, input) => callThrough(channels.http, operation, input),
  grpc: async (operation, input) => callThrough(channels.grpc, operation, input),
}

async function callThrough(channel: ClientChannel, operation: Operation, input: unknown): Promise<Answer> {
  try {
    return { value: await channel.unary(operation, input, { metadata: {}, timeoutMs: 5_000, signal: undefined }) }
  } catch (error) {
    if (!ServiceError.is(error)) throw error
    return refusalOf(error)
  }
}

function refusalOf({ code, details }: ServiceError): Answer {
  return { code, fields: (details?.violations ?? []).map(({ field }) => field).toSorted() }
}

describe.each(operations.map((operation, index) => ({ operation, index, sample: samples[index] as Sample })))(
  'schema $index',
  ({ operation, sample: { fitting, misfitting } }) => {
    test('every value that fits comes through every transport as it was sent', async () => {
      const property = fc.asyncProperty(fitting, async (value) => {
        for (const call of Object.values(ways)) {
          expect(await call(operation, value)).toEqual({ value })
          expect(received.get(operation.id)).toEqual(value)
        }
      })
      await fc.assert(property, { numRuns: 25, seed })
    })

    if (misfitting === undefined) return
    test('a value that does not fit is refused with the same fields by all', async () => {
      const property = fc.asyncProperty(misfitting, async (value) => {
        const [memory, ...others] = await Promise.all(Object.values(ways).map((call) => call(operation, value)))
        expect(memory).toMatchObject({ code: 'invalid_argument' })
        for (const other of others) expect(other).toEqual(memory)
      })
      await fc.assert(property, { numRuns: 15, seed })
    })
  },
)
