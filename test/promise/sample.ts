import fc from 'fast-check'
import Type, { type TSchema } from 'typebox'

/** A value that does not fit its schema. */
export interface Misfit {
  readonly value: unknown
  /** JSON pointers of the places, each of which is wrong in one way. */
  readonly fields: readonly string[]
}

/** One way to spoil a value. */
export interface Mutation {
  readonly name: string
  /** What a typed wire cannot carry at all: protobuf knows no null, no other type, no absent list and no undeclared name. */
  readonly isForJsonOnly: boolean
  readonly misfit: fc.Arbitrary<Misfit>
}

/** What a schema may need that protobuf lacks, and why: an operation with one of them is not offered over gRPC. */
export const grpcLacks = {
  absentList: 'protobuf writes nothing for an empty list or record, so that one which is absent reads the same',
} as const

export type Need = keyof typeof grpcLacks

/** A schema with the values that fit it, and with ways to spoil them. */
export interface Sample {
  readonly schema: TSchema
  /** What a caller writes by that knows more constants than the service. */
  readonly callerSchema: TSchema
  readonly fitting: fc.Arbitrary<unknown>
  /** What a reader makes of a value that fits: the same, with defaults filled in. */
  readonly filled: (value: unknown) => unknown
  /** What a field of it is when it is absent; undefined for none. */
  readonly initial: unknown
  readonly mutations: readonly Mutation[]
  /** Whether protobuf writes it as nothing where it is empty. */
  readonly isRepeated: boolean
  /** Whether it may be null, which protobuf writes as nothing where it must be there. */
  readonly isNullable: boolean
  readonly needs: readonly Need[]
}

/** What says all of a sample that holds no others. */
export interface Leaf {
  readonly schema: TSchema
  readonly callerSchema?: TSchema
  readonly fitting: fc.Arbitrary<unknown>
  readonly initial?: unknown
  /** Values of the right type, which every wire can carry, by what is wrong with them. */
  readonly wrong?: Readonly<Record<string, fc.Arbitrary<unknown>>>
  /** Values of other types in JSON. */
  readonly otherTypes: readonly unknown[]
  readonly needs?: readonly Need[]
}

export function leaf({ schema, wrong = {}, otherTypes, ...given }: Leaf): Sample {
  const mutations = Object.entries(wrong).map(([name, values]) => mutation(name, values.map(here)))
  return {
    schema,
    callerSchema: schema,
    filled: (value) => value,
    initial: undefined,
    mutations: [...mutations, ...ofJson(otherTypes)],
    isRepeated: false,
    isNullable: false,
    needs: [],
    ...given,
  }
}

/** The same with null. */
export function nullable(sample: Sample): Sample {
  const { schema, callerSchema, fitting, filled, mutations } = sample
  return {
    ...sample,
    schema: Type.Union([schema, Type.Null()]),
    callerSchema: Type.Union([callerSchema, Type.Null()]),
    fitting: fc.option(fitting, { nil: null }),
    filled: (value) => (value === null ? null : filled(value)),
    mutations: mutations.filter(({ name }) => name !== 'null'),
    isRepeated: false,
    isNullable: true,
  }
}

export const here = (value: unknown): Misfit => ({ value, fields: [''] })

export function mutation(name: string, misfit: fc.Arbitrary<Misfit>): Mutation {
  return { name, misfit, isForJsonOnly: false }
}

/** What only JSON can carry in the place of a value; nothing where there are no other types. */
export function ofJson(otherTypes: readonly unknown[]): readonly Mutation[] {
  if (otherTypes.length === 0) return []
  return [
    { name: 'null', misfit: fc.constant(here(null)), isForJsonOnly: true },
    { name: 'another type', misfit: fc.constantFrom(...otherTypes).map(here), isForJsonOnly: true },
  ]
}

/** The mutations of what is inside of something, each put in its place there. */
export function inside(
  { mutations }: Pick<Sample, 'mutations'>,
  where: string,
  place: (misfit: fc.Arbitrary<Misfit>) => fc.Arbitrary<Misfit>,
): readonly Mutation[] {
  return mutations.map(({ name, misfit, isForJsonOnly }) => ({
    name: `${where}: ${name}`,
    misfit: place(misfit),
    isForJsonOnly,
  }))
}

/** The pointers of a misfit's faults, seen from what holds it under a key. */
export function under(key: string | number, fields: readonly string[]): readonly string[] {
  const name = String(key).replaceAll('~', '~0').replaceAll('/', '~1')
  return fields.map((field) => `/${name}${field}`)
}

/** Any one way to spoil a value: first by what every wire carries, then by what only JSON does. Undefined where there is none. */
export function anyMisfit({ mutations }: Sample, reach: 'every wire' | 'JSON'): fc.Arbitrary<Misfit> | undefined {
  const carried = mutations.filter(({ isForJsonOnly }) => reach === 'JSON' || !isForJsonOnly)
  return carried.length === 0 ? undefined : fc.oneof(...carried.map(({ misfit }) => misfit))
}

/** How a mutation is named and marked that comes in two kinds. */
export const reaches = [
  { reach: 'every wire', isForJsonOnly: false },
  { reach: 'JSON', isForJsonOnly: true },
] as const
