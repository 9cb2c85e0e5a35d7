import fc from 'fast-check'
import { choiceSamples, treeSample, tupleOf, unionOf } from './json-sample.ts'
import { nullable, type Sample } from './sample.ts'
import { defaultSamples, plainText, scalarSamples } from './scalar-sample.ts'
import { closedObjectOf, type Field, listOf, longListOf, type NamedField, objectOf, recordOf } from './shape-sample.ts'

const id: NamedField = { name: 'id', sample: plainText, isOptional: false }

const required = (sample: Sample): Field => ({ sample, isOptional: false })
const oneOf = (samples: readonly Sample[]) => fc.constantFrom(...samples)

/** Objects of scalars, lists, records and objects that every transport carries. */
const anyScalar = oneOf([...scalarSamples, ...defaultSamples])
const { fields: anyFields } = fc.letrec<{ fields: Field[]; field: Field; object: Sample }>((tie) => ({
  field: fc.oneof(
    { depthSize: 'small' },
    fc.record({ sample: anyScalar, isOptional: fc.boolean() }),
    fc.oneof(anyScalar.map(listOf), anyScalar.map(recordOf)).map(required),
    fc.record({ sample: tie('object'), isOptional: fc.boolean() }),
    tie('object').map(listOf).map(required),
  ),
  fields: fc.array(tie('field'), { minLength: 1, maxLength: 5 }),
  object: fc
    .tuple(tie('fields'), fc.boolean())
    .map(([fields, isClosed]) => (isClosed ? closedObjectOf(fields) : objectOf(fields))),
}))

/** What protobuf lacks: choices, null, tuples, recursion, lists in lists, and lists that may be absent. */
const knownToJson: readonly Sample[] = [
  ...choiceSamples,
  treeSample(),
  tupleOf(scalarSamples.slice(0, 3)),
  unionOf([defaultSamples.map(required), scalarSamples.slice(0, 3).map(required)]),
  listOf(listOf(plainText)),
  nullable(objectOf(scalarSamples.slice(0, 3).map(required))),
]

/** Every kind of value in some input, whatever is drawn. */
const known: readonly Sample[] = [
  ...slices(scalarSamples, 6).map((samples) => objectOf(samples.map(required), [id])),
  closedObjectOf([...defaultSamples, ...scalarSamples.slice(0, 4).map(longListOf)].map(required), [id]),
  objectOf(knownToJson.map(required), [id]),
  objectOf(
    [...knownToJson, recordOf(plainText)].map((sample) => ({ sample, isOptional: true })),
    [id],
  ),
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
