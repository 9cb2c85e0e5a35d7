import fc from 'fast-check'
import { anySample, choiceSamples, treeSample, tupleOf, unionOf } from './json-sample.ts'
import { nullable, type Sample } from './sample.ts'
import { defaultSamples, plainText, scalarSamples } from './scalar-sample.ts'
import { closedObjectOf, type Field, listOf, longListOf, type NamedField, objectOf, recordOf } from './shape-sample.ts'

const id: NamedField = { name: 'id', sample: plainText, isOptional: false }

const required = (sample: Sample): Field => ({ sample, isOptional: false })
const oneOf = (samples: readonly Sample[]) => fc.constantFrom(...samples)

/** Without ways to spoil it: of a choice in which much is wrong the place alone may be told. */
const unspoilt = (sample: Sample): Sample => ({ ...sample, mutations: [] })
const optional = (sample: Sample): Field => ({ sample, isOptional: true })

/** Objects of scalars, lists, records, choices and objects, and of what is made of these. */
const anyScalar = oneOf([...scalarSamples, ...defaultSamples])
const scalarFields = fc.array(fc.record({ sample: anyScalar, isOptional: fc.boolean() }), {
  minLength: 1,
  maxLength: 3,
})
const { fields: anyFields } = fc.letrec<{ fields: Field[]; field: Field; object: Sample; union: Sample; list: Sample }>(
  (tie) => ({
    field: fc.oneof(
      { depthSize: 'small' },
      fc.record({ sample: anyScalar, isOptional: fc.boolean() }),
      tie('list').map(required),
      fc.record({ sample: fc.oneof(tie('object'), tie('union')), isOptional: fc.boolean() }),
      fc.record({
        sample: fc.oneof(oneOf(scalarSamples), tie('object'), tie('list')).map(nullable).map(unspoilt),
        isOptional: fc.boolean(),
      }),
    ),
    fields: fc.array(tie('field'), { minLength: 1, maxLength: 5 }),
    object: fc
      .tuple(tie('fields'), fc.boolean())
      .map(([fields, isClosed]) => (isClosed ? closedObjectOf(fields) : objectOf(fields))),
    union: fc.tuple(scalarFields, scalarFields).map((variants) => unspoilt(unionOf(variants))),
    list: fc.oneof(
      { depthSize: 'small' },
      anyScalar.map(listOf),
      anyScalar.map(recordOf),
      oneOf(scalarSamples).map(nullable).map(unspoilt).map(listOf),
      tie('object').map(listOf),
      tie('union').map(recordOf),
      tie('list').map(listOf),
      tie('list').map(recordOf),
    ),
  }),
)

/** What protobuf has no field for, but messages: choices, null, tuples, recursion, any JSON, and lists in lists. */
const composed: readonly Sample[] = [
  ...choiceSamples,
  anySample,
  treeSample(),
  tupleOf(scalarSamples.slice(0, 3)),
  unionOf([defaultSamples.map(required), scalarSamples.slice(0, 3).map(required)]),
  nullable(objectOf(scalarSamples.slice(0, 3).map(required))),
  nullable(listOf(plainText)),
]
const several: readonly Sample[] = [listOf(listOf(plainText)), recordOf(plainText), listOf(nullable(treeSample()))]

/** Every kind of value in some input, whatever is drawn. */
const known: readonly Sample[] = [
  ...slices(scalarSamples, 6).map((samples) => objectOf(samples.map(required), [id])),
  closedObjectOf([...defaultSamples, ...scalarSamples.slice(0, 4).map(longListOf)].map(required), [id]),
  objectOf([...composed, ...several].map(required), [id]),
  objectOf(composed.map(optional), [id]),
  objectOf(several.map(optional), [id]),
  objectOf([...composed, ...several].map(listOf).map(required), [id]),
  ...slices(scalarSamples, 6).map((samples) => objectOf(samples.map(nullable).map(required), [id])),
]

/** The known samples of inputs and so many more: objects with a text called `id`, which keys a message. The same seed gives the same ones. */
export function inputSamples(count: number, seed: number): readonly Sample[] {
  const generated = fc.sample(anyFields, { numRuns: count, seed })
  return [...known, ...generated.map((fields) => objectOf(fields, [id]))]
}

function slices<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return items.length === 0 ? [] : [items.slice(0, size), ...slices(items.slice(size), size)]
}
