import fc from 'fast-check'
import Type from 'typebox'
import { here, inside, leaf, type Misfit, mutation, type Mutation, ofJson, type Sample, under } from './sample.ts'
import { ascii, noText } from './scalar-sample.ts'
import { type Field, objectOf } from './shape-sample.ts'

/** Choices of scalars, by type and by constant. */
export const choiceSamples: readonly Sample[] = [
  leaf({
    schema: Type.Union([Type.String({ maxLength: 5 }), Type.Integer({ maximum: 9 })]),
    fitting: fc.oneof(ascii(0, 5), fc.integer({ max: 9 })),
    wrong: { 'too long': ascii(6, 9), 'too large': fc.integer({ min: 10 }) },
    otherTypes: [true, [], {}],
  }),
  leaf({
    schema: Type.Union([Type.Literal(1), Type.Literal(2)]),
    fitting: fc.constantFrom(1, 2),
    wrong: { 'unknown constant': fc.constantFrom(0, 3) },
    otherTypes: ['1', 1.5, true, [], {}],
  }),
]

/** One of several objects, told apart by a constant in their field `kind`. */
export function unionOf(variants: readonly (readonly Field[])[]): Sample {
  const objects = variants.map((fields, index) => {
    const schema = Type.Literal(`kind${index}`)
    const sample = leaf({ schema, fitting: fc.constant(`kind${index}`), otherTypes: noText })
    return objectOf(fields, [{ name: 'kind', sample, isOptional: false, isMark: true }])
  })
  const otherObject = Type.Object({ kind: Type.Literal('another') })
  const fitting = fc.oneof(...objects.map((object) => object.fitting))
  // Nothing else in it: who writes it as JSON could not tell which text an `int64()` of an unknown kind is.
  const otherKind = fc.constant(here({ kind: 'another' }))
  const noKind = fc.constant(here({}))
  return {
    schema: Type.Union(objects.map(({ schema }) => schema)),
    callerSchema: Type.Union([...objects.map(({ callerSchema }) => callerSchema), otherObject]),
    fitting,
    filled: (value) => objects[kindOf(value)]?.filled(value),
    initial: undefined,
    mutations: [
      ...ofJson(['x', 7, true, []]),
      mutation('another kind', otherKind),
      { name: 'no kind', misfit: noKind, isForJsonOnly: true },
      ...objects.flatMap((object, index) => inside({ mutations: deep(object) }, `kind${index}`, (misfit) => misfit)),
    ],
    isRepeated: false,
    isNullable: false,
    needs: objects.flatMap(({ needs }) => needs),
  }
}

/** What can be wrong inside of an object. */
function deep({ mutations }: Sample): readonly Mutation[] {
  return mutations.filter(({ name }) => name !== 'null' && name !== 'another type')
}

function kindOf(value: unknown): number {
  return Number(String(Reflect.get(Object(value), 'kind')).slice('kind'.length))
}

/** A list of just so many items, each of its own type. */
export function tupleOf(items: readonly Sample[]): Sample {
  const fitting: fc.Arbitrary<readonly unknown[]> = fc.tuple(...items.map((item) => item.fitting))
  const place = (index: number) => (misfit: fc.Arbitrary<Misfit>) =>
    fc
      .tuple(fitting, misfit)
      .map(([list, { value, fields }]): Misfit => ({ value: list.with(index, value), fields: under(index, fields) }))
  return {
    schema: Type.Tuple(items.map(({ schema }) => schema)),
    callerSchema: Type.Tuple(items.map(({ callerSchema }) => callerSchema)),
    fitting,
    filled: (value) => items.map((item, index) => item.filled(Reflect.get(Object(value), index))),
    initial: undefined,
    mutations: [
      ...ofJson(['x', 7, true, {}]),
      mutation(
        'one item short',
        fitting.map((list) => here(list.slice(0, -1))),
      ),
      mutation(
        'one item long',
        fitting.map((list): Misfit => ({ value: [...list, 'x'], fields: [`/${items.length}`] })),
      ),
      ...items.flatMap((item, index) => inside(item, `item ${index}`, place(index))),
    ],
    isRepeated: false,
    isNullable: false,
    needs: items.flatMap(({ needs }) => needs),
  }
}

interface Tree {
  readonly label: string
  readonly children: readonly Tree[]
}

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    label: ascii(0, 5),
    children: fc.oneof({ depthSize: 'small' }, fc.constant([]), fc.array(tie('tree'), { maxLength: 2 })),
  }),
}))

/** A tree of labelled nodes, which refers to itself. */
export function treeSample(): Sample {
  const node = Type.Object({ label: Type.String({ maxLength: 5 }), children: Type.Array(Type.Ref('Tree')) })
  const sample = leaf({
    schema: Type.Cyclic({ Tree: node }, 'Tree'),
    fitting: tree,
    otherTypes: ['x', 7, true, []],
  })
  const deepFault = fc.tuple(tree, ascii(6, 9)).map(
    ([above, label]): Misfit => ({
      value: { ...above, children: [above, { label, children: [] }] },
      fields: ['/children/1/label'],
    }),
  )
  const twoFaults = ascii(6, 9).map(
    (label): Misfit => ({
      value: { label, children: [{ label: '', children: [{ label: 'a', children: [] }, { label: 'b' }] }] },
      fields: ['/label', '/children/0/children/1/children'],
    }),
  )
  const absentList = { name: 'two depths wrong', isForJsonOnly: true }
  return {
    ...sample,
    mutations: [...sample.mutations, mutation('a label too long', deepFault), { ...absentList, misfit: twoFaults }],
  }
}

const key = ascii(0, 6).filter((name) => name !== '__proto__')
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    ascii(0, 6),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))

/** Whatever JSON has; nothing in its place is wrong. */
export const anySample: Sample = leaf({ schema: Type.Unknown(), fitting: anyValue, otherTypes: [] })
