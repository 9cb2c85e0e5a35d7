import { bytes, int64 } from '@tenon/core/contract'
import fc from 'fast-check'
import Type, { type TProperties, type TSchema } from 'typebox'

/** A value that does not fit its schema at one place. */
export interface Misfit {
  readonly value: unknown
  /** JSON pointer of the place. */
  readonly field: string
}

/** One way to spoil a value. */
export interface Mutation {
  readonly name: string
  /** What a typed wire cannot carry at all: protobuf knows no null, no other type and no absent list. */
  readonly isForJsonOnly: boolean
  readonly misfit: fc.Arbitrary<Misfit>
}

/** A schema with the values that fit it, and with ways to spoil them. */
export interface Sample {
  readonly schema: TSchema
  /** What a caller writes by that knows more constants than the service. */
  readonly callerSchema: TSchema
  readonly fitting: fc.Arbitrary<unknown>
  readonly mutations: readonly Mutation[]
  /** Whether protobuf writes it as nothing where it is empty. */
  readonly isRepeated: boolean
}

interface Scalar {
  readonly schema: TSchema
  readonly callerSchema?: TSchema
  readonly fitting: fc.Arbitrary<unknown>
  /** Values of the right type, which every wire can carry, by what is wrong with them. */
  readonly wrong?: Readonly<Record<string, fc.Arbitrary<unknown>>>
  /** Values of other types in JSON. */
  readonly otherTypes: readonly unknown[]
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const ascii = (minLength: number, maxLength: number) => fc.string({ unit: 'grapheme-ascii', minLength, maxLength })
const double = (range: fc.DoubleConstraints) => fc.double({ ...range, noNaN: true, noDefaultInfinity: true })

const noText = [7, true, [], {}]
const noNumber = ['x', '7', true, [], {}]

/** A text of a format, with texts that are not of it. */
function formatted(format: string, fitting: fc.Arbitrary<unknown>, ...misfits: readonly string[]): Scalar {
  const wrong = { 'bad format': fc.constantFrom('', 'x', ...misfits) }
  return { schema: Type.String({ format }), fitting, wrong, otherTypes: noText }
}

const scalars: readonly Scalar[] = [
  { schema: Type.String(), fitting: text, otherTypes: noText },
  {
    schema: Type.String({ minLength: 2, maxLength: 5 }),
    fitting: ascii(2, 5),
    wrong: { 'too long': ascii(6, 9), 'too short': ascii(0, 1) },
    otherTypes: noText,
  },
  formatted('uuid', fc.uuid(), '1-2-3'),
  formatted('email', fc.constantFrom('a@b.example', 'a.b+c@d.example'), 'a@', '@b.example', 'a b@c.example'),
  formatted('ipv4', fc.ipV4(), '1.2.3', '256.1.1.1'),
  formatted('date', fc.constantFrom('2026-02-28', '2024-02-29'), '2026-02-29', '2026-2-1'),
  formatted(
    'date-time',
    fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.5+02:00'),
    '2026-01-01',
    '2026-01-01T00:00:00Z[Europe/Berlin]',
  ),
  { schema: Type.Boolean(), fitting: fc.boolean(), otherTypes: ['true', 1, [], {}] },
  {
    schema: Type.Integer({ minimum: -5, maximum: 5 }),
    fitting: fc.integer({ min: -5, max: 5 }),
    wrong: {
      'too large': fc.integer({ min: 6, max: 2 ** 31 - 1 }),
      'too small': fc.integer({ min: -(2 ** 31), max: -6 }),
    },
    otherTypes: [...noNumber, 1.5],
  },
  {
    schema: Type.Integer(),
    fitting: fc.maxSafeInteger(),
    wrong: { 'beyond the safe integers': fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 60) },
    otherTypes: [...noNumber, 1.5],
  },
  {
    schema: Type.Number({ exclusiveMaximum: 1 }),
    fitting: double({ max: 1, maxExcluded: true }),
    wrong: { 'too large': double({ min: 1 }) },
    otherTypes: noNumber,
  },
  {
    schema: Type.Union([Type.Literal('red'), Type.Literal('green')]),
    callerSchema: Type.Union([Type.Literal('red'), Type.Literal('green'), Type.Literal('blue')]),
    fitting: fc.constantFrom('red', 'green'),
    wrong: { 'unknown constant': fc.constant('blue') },
    otherTypes: ['', 'RED', ...noText],
  },
  {
    schema: int64({ minimum: -(2n ** 63n), maximum: 2n ** 62n }),
    fitting: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 62n }),
    wrong: { 'too large': fc.bigInt({ min: 2n ** 62n + 1n, max: 2n ** 63n - 1n }) },
    otherTypes: ['x', '1.5', '01', String(2n ** 63n), 7, true, [], {}],
  },
  {
    schema: bytes({ minLength: 1, maxLength: 8 }),
    fitting: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    wrong: { 'too long': fc.uint8Array({ minLength: 9, maxLength: 12 }), 'too short': fc.constant(new Uint8Array()) },
    otherTypes: ['%', 7, true, [], {}],
  },
]

function toSample({ schema, callerSchema = schema, fitting, wrong = {}, otherTypes }: Scalar): Sample {
  const mutations = Object.entries(wrong).map(([name, values]) => mutation(name, values.map(here)))
  return { schema, callerSchema, fitting, mutations: [...mutations, ...ofJson(otherTypes)], isRepeated: false }
}

const here = (value: unknown): Misfit => ({ value, field: '' })

function mutation(name: string, misfit: fc.Arbitrary<Misfit>): Mutation {
  return { name, misfit, isForJsonOnly: false }
}

/** What only JSON can carry in the place of a value. */
function ofJson(otherTypes: readonly unknown[]): readonly Mutation[] {
  return [
    { name: 'null', misfit: fc.constant(here(null)), isForJsonOnly: true },
    { name: 'another type', misfit: fc.constantFrom(...otherTypes).map(here), isForJsonOnly: true },
  ]
}

/** The mutations of what is inside of something, each put in its place there. */
function inside(
  { mutations }: Sample,
  where: string,
  place: (misfit: fc.Arbitrary<Misfit>) => fc.Arbitrary<Misfit>,
): readonly Mutation[] {
  return mutations.map(({ name, misfit, isForJsonOnly }) => ({
    name: `${where}: ${name}`,
    misfit: place(misfit),
    isForJsonOnly,
  }))
}

function listOf(item: Sample): Sample {
  const others = fc.array(item.fitting, { maxLength: 2 })
  const place = (misfit: fc.Arbitrary<Misfit>) =>
    fc.tuple(others, misfit, fc.nat(2)).map(([list, { value, field }, nat]): Misfit => {
      const index = Math.min(nat, list.length)
      return { value: list.toSpliced(index, 0, value), field: `/${index}${field}` }
    })
  return {
    schema: Type.Array(item.schema, { maxItems: 3 }),
    callerSchema: Type.Array(item.callerSchema),
    fitting: fc.array(item.fitting, { maxLength: 3 }),
    mutations: [
      mutation('too many items', fc.array(item.fitting, { minLength: 4, maxLength: 5 }).map(here)),
      ...ofJson(['x', 7, true, {}]),
      ...inside(item, 'item', place),
    ],
    isRepeated: true,
  }
}

function recordOf(entry: Sample): Sample {
  const keys = ascii(1, 6).filter((key) => key !== '__proto__')
  const dictionary = (key: fc.Arbitrary<string>) =>
    fc.dictionary(key, entry.fitting, { maxKeys: 2, noNullPrototype: true })
  const place = (misfit: fc.Arbitrary<Misfit>) =>
    fc
      .tuple(dictionary(fc.constantFrom('a', 'b')), misfit)
      .map(([record, { value, field }]): Misfit => ({ value: { ...record, 'c/~': value }, field: `/c~1~0${field}` }))
  return {
    schema: Type.Record(Type.String(), entry.schema),
    callerSchema: Type.Record(Type.String(), entry.callerSchema),
    fitting: dictionary(keys),
    mutations: [...ofJson(['x', 7, true, []]), ...inside(entry, 'entry', place)],
    isRepeated: true,
  }
}

interface Field {
  readonly sample: Sample
  readonly isOptional: boolean
}

type NamedField = Field & { readonly name: string }

function objectOf(given: readonly Field[], first: readonly NamedField[] = []): Sample {
  const fields: readonly NamedField[] = [
    ...first,
    ...given.map((field, index) => ({ name: `field${'ABCDEF'[index]}`, ...field })),
  ]
  const properties = (side: 'schema' | 'callerSchema'): TProperties =>
    Object.fromEntries(
      fields.map(({ name, sample, isOptional }) => [name, isOptional ? Type.Optional(sample[side]) : sample[side]]),
    )
  const requiredKeys = fields.filter(({ isOptional }) => !isOptional).map(({ name }) => name)
  const fitting = fc
    .record(Object.fromEntries(fields.map(({ name, sample }) => [name, sample.fitting])), { requiredKeys })
    .map((value): Record<string, unknown> => ({ ...value }))
  return {
    schema: Type.Object(properties('schema')),
    callerSchema: Type.Object(properties('callerSchema')),
    fitting,
    mutations: [...ofJson(['x', 7, true, []]), ...fields.flatMap((field) => fieldMutations(field, fitting))],
    isRepeated: false,
  }
}

function fieldMutations(field: NamedField, fitting: fc.Arbitrary<Record<string, unknown>>): readonly Mutation[] {
  const { name, sample, isOptional } = field
  const spoiled = inside(sample, name, (misfit) =>
    fc
      .tuple(fitting, misfit)
      .map(
        ([object, { value, field }]): Misfit => ({ value: { ...object, [name]: value }, field: `/${name}${field}` }),
      ),
  )
  if (isOptional) return spoiled
  const without = fitting.map(({ [name]: _left, ...rest }): Misfit => ({ value: rest, field: `/${name}` }))
  return [{ name: `${name}: missing`, misfit: without, isForJsonOnly: sample.isRepeated }, ...spoiled]
}

const anyScalar = fc.constantFrom(...scalars.map(toSample))

/** Objects of scalars, lists, records and objects. A list must be there: protobuf cannot tell an absent one from an empty one. */
const { fields: anyFields } = fc.letrec<{ fields: Field[]; field: Field; object: Sample }>((tie) => ({
  field: fc.oneof(
    { depthSize: 'small' },
    fc.record({ sample: anyScalar, isOptional: fc.boolean() }),
    fc.record({ sample: fc.oneof(anyScalar.map(listOf), anyScalar.map(recordOf)), isOptional: fc.constant(false) }),
    fc.record({ sample: tie('object'), isOptional: fc.boolean() }),
    fc.record({ sample: tie('object').map(listOf), isOptional: fc.constant(false) }),
  ),
  fields: fc.array(tie('field'), { minLength: 1, maxLength: 5 }),
  object: tie('fields').map((fields) => objectOf(fields)),
}))

const plainText = toSample({ schema: Type.String(), fitting: text, otherTypes: noText })

/** So many samples of inputs: objects with a text called `id`, which keys a message. The same seed gives the same ones. */
export function inputSamples(count: number, seed: number): readonly Sample[] {
  const everyScalar = scalars.map((scalar) => ({ sample: toSample(scalar), isOptional: false }))
  const generated = fc.sample(anyFields, { numRuns: count, seed })
  const known = [everyScalar.slice(0, 6), everyScalar.slice(6, 12), everyScalar.slice(12)]
  return [...known, ...generated].map((fields) =>
    objectOf(fields, [{ name: 'id', sample: plainText, isOptional: false }]),
  )
}
