import fc from 'fast-check'
import Type, { type TProperties } from 'typebox'
import {
  anyMisfit,
  here,
  inside,
  type Misfit,
  type Mutation,
  mutation,
  type Need,
  ofJson,
  reaches,
  type Sample,
  under,
} from './sample.ts'
import { ascii } from './scalar-sample.ts'

/** A list of at most three, which may begin as an empty one. */
export function listOf(item: Sample): Sample {
  const others = fc.array(item.fitting, { maxLength: 2 })
  const place = (misfit: fc.Arbitrary<Misfit>) =>
    fc.tuple(others, misfit, fc.nat(2)).map(([list, { value, fields }, nat]): Misfit => {
      const index = Math.min(nat, list.length)
      return { value: list.toSpliced(index, 0, value), fields: under(index, fields) }
    })
  return {
    ...partsOf(item),
    schema: Type.Array(item.schema, { maxItems: 3 }),
    callerSchema: Type.Array(item.callerSchema),
    fitting: fc.array(item.fitting, { maxLength: 3 }),
    filled: fillList(item),
    mutations: [
      mutation('too many items', fc.array(item.fitting, { minLength: 4, maxLength: 5 }).map(here)),
      ...ofJson(['x', 7, true, {}]),
      ...inside(item, 'item', place),
    ],
  }
}

/** A list of any length, of which every item may be wrong: more faults than are told. */
export function longListOf(item: Sample): Sample {
  const spoil = (misfits: readonly Misfit[]): Misfit => ({
    value: misfits.map(({ value }) => value),
    fields: misfits.flatMap(({ fields }, index) => under(index, fields)),
  })
  return {
    ...partsOf(item),
    schema: Type.Array(item.schema),
    callerSchema: Type.Array(item.callerSchema),
    fitting: fc.array(item.fitting, { maxLength: 30 }),
    filled: fillList(item),
    mutations: reaches.flatMap(({ reach, isForJsonOnly }) => {
      const misfit = anyMisfit(item, reach)
      if (misfit === undefined) return []
      const name = `every item wrong, on ${reach}`
      return [{ name, misfit: fc.array(misfit, { minLength: 18, maxLength: 24 }).map(spoil), isForJsonOnly }]
    }),
  }
}

function fillList(item: Sample) {
  return (value: unknown): unknown => (Array.isArray(value) ? value.map(item.filled) : value)
}

/** What a list or record is by what is in it. */
function partsOf(inner: Sample) {
  return { initial: undefined, isRepeated: true, isNullable: false, needs: inner.needs }
}

export function recordOf(entry: Sample): Sample {
  const keys = ascii(1, 6).filter((key) => key !== '__proto__')
  const dictionary = (key: fc.Arbitrary<string>) =>
    fc.dictionary(key, entry.fitting, { maxKeys: 2, noNullPrototype: true })
  const place = (misfit: fc.Arbitrary<Misfit>) =>
    fc.tuple(dictionary(fc.constantFrom('a', 'b')), misfit).map(
      ([record, { value, fields }]): Misfit => ({
        value: { ...record, 'c/~': value },
        fields: under('c/~', fields),
      }),
    )
  return {
    ...partsOf(entry),
    schema: Type.Record(Type.String(), entry.schema),
    callerSchema: Type.Record(Type.String(), entry.callerSchema),
    fitting: dictionary(keys),
    filled: (value) =>
      Object.fromEntries(Object.entries(Object(value)).map(([key, inner]) => [key, entry.filled(inner)])),
    mutations: [...ofJson(['x', 7, true, []]), ...inside(entry, 'entry', place)],
  }
}

export interface Field {
  readonly sample: Sample
  readonly isOptional: boolean
}

/** A field with its name; a mark tells which one of a union is meant, and is never spoiled. */
export type NamedField = Field & { readonly name: string; readonly isMark?: true }

type Given = Readonly<Record<string, unknown>>

export function objectOf(given: readonly Field[], first: readonly NamedField[] = [], options = {}): Sample {
  const fields: readonly NamedField[] = [
    ...first,
    ...given.map((field, index) => ({ name: `field${String.fromCharCode(65 + index)}`, ...field })),
  ]
  const properties = (side: 'schema' | 'callerSchema'): TProperties =>
    Object.fromEntries(
      fields.map(({ name, sample, isOptional }) => [name, isOptional ? Type.Optional(sample[side]) : sample[side]]),
    )
  const requiredKeys = fields.filter((field) => !mayBeAbsent(field)).map(({ name }) => name)
  const fitting = fc
    .record(Object.fromEntries(fields.map(({ name, sample }) => [name, sample.fitting])), { requiredKeys })
    .map((value): Given => ({ ...value }))
  return {
    schema: Type.Object(properties('schema'), options),
    callerSchema: Type.Object(properties('callerSchema'), options),
    fitting,
    filled: (value) => fillObject(fields, value),
    initial: undefined,
    mutations: [...ofJson(['x', 7, true, []]), ...fieldsMutations(fields, fitting)],
    isRepeated: false,
    isNullable: false,
    needs: fields.flatMap(needsOf),
  }
}

/** An object that refuses what it does not declare, which protobuf does not carry. */
export function closedObjectOf(given: readonly Field[], first: readonly NamedField[] = []): Sample {
  const sample = objectOf(given, first, { additionalProperties: false })
  const misfit = sample.fitting.map(
    (value): Misfit => ({ value: { ...Object(value), 'a/~': 1 }, fields: under('a/~', ['']) }),
  )
  return { ...sample, mutations: [...sample.mutations, { name: 'undeclared name', misfit, isForJsonOnly: true }] }
}

function mayBeAbsent({ sample, isOptional }: Field): boolean {
  return isOptional || sample.initial !== undefined
}

function needsOf(field: NamedField): readonly Need[] {
  const { sample } = field
  return sample.isRepeated && mayBeAbsent(field) && sample.initial === undefined
    ? [...sample.needs, 'absentList']
    : sample.needs
}

function fillObject(fields: readonly NamedField[], value: unknown): unknown {
  const given = Object(value) as Given
  const filled = fields.flatMap(({ name, sample }): readonly (readonly [string, unknown])[] => {
    if (Object.hasOwn(given, name)) return [[name, sample.filled(given[name])]]
    return sample.initial === undefined ? [] : [[name, sample.initial]]
  })
  return Object.fromEntries(filled)
}

function fieldsMutations(fields: readonly NamedField[], fitting: fc.Arbitrary<Given>): readonly Mutation[] {
  const spoilable = fields
    .filter(({ isMark }) => isMark === undefined)
    .map((field) => ({ name: field.name, sample: { ...field.sample, mutations: ownMutations(field) } }))
  const single = spoilable.flatMap(({ name, sample }) =>
    inside(sample, name, (misfit) =>
      fc.tuple(fitting, misfit).map(([object, spoilt]) => spoil(object, { [name]: spoilt })),
    ),
  )
  const several = reaches.flatMap(({ reach, isForJsonOnly }) => {
    const misfits = spoilable.flatMap(({ name, sample }) => {
      const misfit = anyMisfit(sample, reach)
      return misfit ? [[name, misfit] as const] : []
    })
    if (misfits.length < 2) return []
    const some = fc.record(Object.fromEntries(misfits), { requiredKeys: misfits.slice(-2).map(([name]) => name) })
    const misfit = fc.tuple(fitting, some).map(([object, spoilt]) => spoil(object, spoilt))
    return [{ name: `several fields, on ${reach}`, misfit, isForJsonOnly }]
  })
  return [...several, ...single]
}

const absent = Symbol('absent')

/** What can be wrong with a field: also that it is missing. */
function ownMutations(field: NamedField): readonly Mutation[] {
  const { mutations, isRepeated, isNullable } = field.sample
  if (mayBeAbsent(field)) return mutations
  return [...mutations, { name: 'missing', misfit: fc.constant(here(absent)), isForJsonOnly: isRepeated || isNullable }]
}

function spoil(object: Given, misfits: Readonly<Record<string, Misfit | undefined>>): Misfit {
  const spoilt = Object.entries(misfits).flatMap(([name, misfit]) => (misfit ? [{ name, ...misfit }] : []))
  const values = { ...object, ...Object.fromEntries(spoilt.map(({ name, value }) => [name, value])) }
  const present = Object.entries(values).filter(([, value]) => value !== absent)
  return {
    value: Object.fromEntries(present),
    fields: spoilt.flatMap(({ name, fields }) => under(name, fields)),
  }
}
