import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'
import { expect, it, vi } from 'vitest'
import { bytes } from './native/bytes.ts'
import { int64 } from './native/int64.ts'
import { type Schema, toJsonSchema } from './schema.ts'
import { compileSchema } from './compiled-schema.ts'
import { compileJsonWriter } from './native/json-conversion.ts'

// A guess: thousands of schemas are compiled, on a machine that does other things as well.
vi.setConfig({ testTimeout: 60_000 })

/** A schema with values that fit it. */
interface Case {
  readonly schema: TSchema
  readonly value: fc.Arbitrary<unknown>
}

const leaf = fc.constantFrom<Case>(
  { schema: Type.String(), value: fc.string({ unit: 'grapheme' }) },
  { schema: Type.String({ minLength: 2, maxLength: 4 }), value: fc.string({ minLength: 2, maxLength: 4 }) },
  { schema: Type.String({ format: 'uuid' }), value: fc.uuid() },
  {
    schema: Type.String({ format: 'byte' }),
    value: fc.uint8Array({ maxLength: 9 }).map((data) => Buffer.from(data).toString('base64')),
  },
  { schema: Type.Boolean(), value: fc.boolean() },
  { schema: Type.Null(), value: fc.constant(null) },
  { schema: Type.Integer(), value: fc.maxSafeInteger() },
  // JSON writes -0 as 0.
  { schema: Type.Number(), value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0) },
  { schema: Type.Enum(['a', 'b', 3]), value: fc.constantFrom<unknown>('a', 'b', 3) },
  { schema: int64(), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { schema: int64({ minimum: 0n, maximum: 9n }), value: fc.bigInt({ min: 0n, max: 9n }) },
  { schema: bytes(), value: fc.uint8Array({ maxLength: 40 }) },
  { schema: bytes({ minLength: 1, maxLength: 2 }), value: fc.uint8Array({ minLength: 1, maxLength: 2 }) },
)

/** Also names that every object has from its prototype. */
const name = fc.constantFrom('a', 'b', 'constructor', 'a/b~c', 'ключ', 'line\nbreak', '')

const { any } = fc.letrec<{ any: Case; object: Case }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    leaf,
    tie('object'),
    tie('any').map(({ schema, value }) => ({ schema: Type.Array(schema), value: fc.array(value, { maxLength: 3 }) })),
    tie('any').map(({ schema, value }) => ({
      schema: Type.Record(Type.String(), schema),
      value: fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true }),
    })),
    fc.tuple(tie('any'), tie('any')).map(([one, two]) => ({
      schema: Type.Tuple([one.schema, two.schema]),
      value: fc.tuple(one.value, two.value),
    })),
    fc.tuple(tie('object'), tie('object')).map(([one, two]) => {
      const alternative = (kind: string, schema: TSchema) => Type.Object({ kind: Type.Literal(kind), of: schema })
      return {
        schema: Type.Union([alternative('one', one.schema), alternative('two', two.schema), Type.Null()]),
        value: fc.oneof(
          one.value.map((of) => ({ kind: 'one', of })),
          two.value.map((of) => ({ kind: 'two', of })),
          fc.constant(null),
        ),
      }
    }),
  ),
  object: fc
    .uniqueArray(fc.tuple(name, tie('any'), fc.boolean()), { maxLength: 4, selector: ([one]) => one })
    .map((fields) => ({
      schema: Type.Object(
        Object.fromEntries(
          fields.map(([one, { schema }, isOptional]) => [one, isOptional ? Type.Optional(schema) : schema]),
        ),
      ),
      value: fc.record(Object.fromEntries(fields.map(([one, { value }]) => [one, value])), {
        requiredKeys: fields.filter(([, , isOptional]) => !isOptional).map(([one]) => one),
        noNullPrototype: true,
      }),
    })),
}))

const fitting = any.chain(({ schema, value }) => value.map((one) => ({ schema: schema as Schema, value: one })))

it('brings a value that fits its schema through JSON, and as it is', () => {
  fc.assert(
    fc.property(fitting, ({ schema, value }) => {
      const compiled = compileSchema(schema)
      const written = compiled.write(value)
      expect(written).toEqual({ ok: true, value })
      const text = compileJsonWriter(toJsonSchema(schema))(value)
      expect(compiled.read(JSON.parse(text))).toEqual({ ok: true, value })
      expect(compiled.read(structuredClone(value))).toEqual({ ok: true, value })
    }),
    { numRuns: 1_000 },
  )
})

it('takes any JSON value or gives a reason, and never throws', () => {
  const json = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.dictionary(name, fc.jsonValue(), { noNullPrototype: true }))
  // JSON writes -0 as 0.
  const written = json.map((one): unknown => JSON.parse(JSON.stringify(one)))
  fc.assert(
    fc.property(any, written, ({ schema }, given) => {
      const compiled = compileSchema(schema as Schema)
      const first = compiled.read(structuredClone(given))
      if (first instanceof Promise) throw new Error('expected a result at once')
      if (!first.ok) {
        expect(first.violations.length).toBeGreaterThan(0)
        expect(first.violations.length).toBeLessThanOrEqual(20)
        return
      }
      // What was taken fits: it may be written, and read once more.
      expect(compiled.write(first.value)).toEqual(first)
      const text = compileJsonWriter(toJsonSchema(schema))(first.value)
      expect(compiled.read(JSON.parse(text))).toEqual(first)
    }),
    { numRuns: 1_000 },
  )
})

it('refuses a value with one part of another kind, and names a place on the way to it', () => {
  fc.assert(
    fc.property(fitting, fc.nat(), ({ schema, value }, seed) => {
      const places = placesOf(value)
      const place = places[seed % places.length] ?? []
      // Deeper than any schema here.
      const broken = replaceAt(structuredClone(value), place, [[[[[[[[['no']]]]]]]]])
      const result = compileSchema(schema).read(broken)
      if (result instanceof Promise || result.ok) throw new Error(`expected ${place.join('/')} to be refused`)
      const pointer = place.map((one) => `/${one.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
      for (const { field } of result.violations)
        expect(field.startsWith(pointer) || pointer.startsWith(field)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

/** Every place in a value, the whole included. */
function placesOf(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [at]
  return [at, ...Object.entries(value).flatMap(([key, child]) => placesOf(child, [...at, key]))]
}

function replaceAt(value: unknown, [key, ...rest]: readonly string[], replacement: unknown): unknown {
  if (key === undefined) return replacement
  const children = Object.entries(Object(value) as object).map(
    ([one, child]) => [one, one === key ? replaceAt(child, rest, replacement) : (child as unknown)] as const,
  )
  return Array.isArray(value) ? children.map(([, child]) => child) : Object.fromEntries(children)
}
