import { bytes, int64 } from '@tenon/core/contract'
import Type, { type TSchema } from 'typebox'
import { requireEqual, requireFailure } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import { accepts, refuses } from './rule.ts'

const value = behavioursOf('value')
const deepest = 30

function nested(levels: number): TSchema {
  return levels === 0 ? Type.String() : Type.Object({ inner: nested(levels - 1) })
}

function nestedValue(levels: number): unknown {
  return levels === 0 ? 'here' : { inner: nestedValue(levels - 1) }
}

const colour = Type.Union([Type.Literal('red'), Type.Literal('dark-green'), Type.Literal('Blue')])
const shape = Type.Union([
  Type.Object({ kind: Type.Literal('circle'), radius: Type.Number() }),
  Type.Object({ kind: Type.Literal('square'), side: Type.Number(), isFilled: Type.Boolean({ default: false }) }),
])
const tree = Type.Cyclic({ Tree: Type.Object({ name: Type.String(), children: Type.Array(Type.Ref('Tree')) }) }, 'Tree')
const person = Type.Cyclic(
  {
    Address: Type.Object({ street: Type.String({ minLength: 1 }) }),
    Person: Type.Object({
      home: Type.Ref('Address'),
      work: Type.Ref('Address'),
      others: Type.Array(Type.Ref('Address')),
    }),
  },
  'Person',
)
const largest = 2n ** 63n - 1n
const smallest = -(2n ** 63n)
const allBytes = Uint8Array.from({ length: 256 }, (_, index) => index)

const texts: Readonly<Record<string, string>> = {
  'of many alphabets': 'Ada Łukasz Ольга 李明 محمد',
  'beyond the basic plane': '🦊👩‍👩‍👧𝔘',
  'with combining marks, which are not normalised': 'e\u0301 é',
  'with control characters': 'a\u0000b\tc\nd\r\u007F\u2028',
  'with what JSON, headers and URLs escape': '"\\/<>&%+;=\'',
  'that looks like something else': 'null',
  'that is empty': '',
  'of white space': '  ',
}

/** Values at the edges of their types, and what a schema makes of what is left out. */
export const valueCases = [
  ...Object.entries(texts).map(([words, text]) =>
    value(`a text ${words} comes through`, accepts({ fields: { text: Type.String() }, input: { text } })),
  ),
  value('half of a surrogate pair is refused', {
    run: async ({ serve }) => {
      await using served = await serve({ fields: { text: Type.String() } })
      requireFailure(await served.call({ text: 'a\uD800b' }), 'invalid_argument')
      requireEqual(served.inputs, [], 'the handler should be given')
    },
  }),
  value(
    'half of a surrogate pair is refused by its place',
    refuses({ fields: { text: Type.String() }, input: { text: 'a\uD800b' }, needs: ['input.half_pair'] }, [
      '/text',
      'unicode',
    ]),
  ),
  value(
    'names of record entries may have any characters',
    accepts({
      fields: { record: Type.Record(Type.String(), Type.Integer()) },
      input: { record: { 'ü 🦊/~"': 1, '': 2, constructor: 3, toString: 4 } },
    }),
  ),
  value(
    'numbers at the edges come through',
    accepts({
      fields: { numbers: Type.Array(Type.Number()) },
      input: { numbers: [0, 0.1, -1.5, 5e-324, 1.7976931348623157e308, 9_007_199_254_740_991] },
    }),
  ),
  value(
    'the safe integers come through',
    accepts({
      fields: { integers: Type.Array(Type.Integer()) },
      input: { integers: [0, -1, 2 ** 31, -(2 ** 31) - 1, 9_007_199_254_740_991, -9_007_199_254_740_991] },
    }),
  ),
  value(
    'an integer that is not safe is refused and never rounded',
    refuses(
      {
        fields: { high: Type.Integer(), low: Type.Integer() },
        input: { high: 9_007_199_254_740_992, low: -9_007_199_254_740_992 },
      },
      ['/high', 'maximum'],
      ['/low', 'minimum'],
    ),
  ),
  value(
    '64-bit integers come through at both ends',
    accepts(
      {
        fields: { zero: int64(), high: int64(), low: int64(), past: int64() },
        input: { zero: '0', high: String(largest), low: String(smallest), past: '9007199254740993' },
      },
      { zero: 0n, high: largest, low: smallest, past: 9_007_199_254_740_993n },
    ),
  ),
  value(
    '64-bit integers out of their range are refused',
    refuses(
      { fields: { least: int64({ minimum: 10n }), most: int64({ maximum: 10n }) }, input: { least: '9', most: '11' } },
      ['/least', 'minimum'],
      ['/most', 'maximum'],
    ),
  ),
  value(
    'what is no 64-bit integer is refused',
    refuses(
      {
        fields: { over: int64(), sign: int64(), zeros: int64(), point: int64(), words: int64(), number: int64() },
        input: { over: '9223372036854775808', sign: '+1', zeros: '01', point: '1.0', words: 'one', number: 1 },
        needs: ['input.any_type'],
      },
      ...['/sign', '/zeros', '/point', '/words', '/number'].map((field) => [field, 'type'] as const),
      ['/over', 'maximum'],
    ),
  ),
  value(
    'bytes come through, all 256 and none',
    accepts(
      {
        fields: { all: bytes(), none: bytes() },
        input: { all: Buffer.from(allBytes).toString('base64'), none: '' },
      },
      { all: allBytes, none: new Uint8Array() },
    ),
  ),
  value(
    'too few or too many bytes are refused',
    refuses(
      { fields: { few: bytes({ minLength: 2 }), many: bytes({ maxLength: 2 }) }, input: { few: 'AQ==', many: 'AQID' } },
      ['/few', 'minLength'],
      ['/many', 'maxLength'],
    ),
  ),
  value(
    'what is not base64 is no bytes',
    refuses(
      {
        fields: { bare: bytes(), url: bytes(), loose: bytes() },
        input: { bare: 'AQ', url: '-_-_', loose: 'AR==' },
        needs: ['input.any_type'],
      },
      ...['/bare', '/url', '/loose'].map((field) => [field, 'type'] as const),
    ),
  ),
  value(
    'a text of half a megabyte comes through',
    accepts({ fields: { text: Type.String() }, input: { text: 'x'.repeat(500_000) } }),
  ),
  value(
    'a list of ten thousand comes through',
    accepts({
      fields: { list: Type.Array(Type.Integer()) },
      input: { list: Array.from({ length: 10_000 }, (_, index) => index) },
    }),
  ),
  value(
    `objects within objects, ${deepest} deep, come through`,
    accepts({ fields: { outer: nested(deepest) }, input: { outer: nestedValue(deepest) } }),
  ),
  value(
    'what is wrong in the depth is told by its whole path',
    refuses({ fields: { outer: nested(3) }, input: { outer: { inner: { inner: {} } } } }, [
      '/outer/inner/inner/inner',
      'required',
    ]),
  ),
  value(
    'a schema that others name is followed at each of its places',
    refuses(
      {
        fields: { person },
        input: { person: { home: { street: 'A' }, work: { street: '' }, others: [{ street: 'B' }, { street: '' }] } },
      },
      ['/person/work/street', 'minLength'],
      ['/person/others/1/street', 'minLength'],
    ),
  ),
  value(
    'a schema that contains itself is followed',
    accepts({
      fields: { tree },
      input: { tree: { name: 'a', children: [{ name: 'b', children: [{ name: 'c', children: [] }] }] } },
      needs: ['schema.recursive'],
    }),
  ),
  value(
    'one of several texts comes through as it is spelt',
    accepts({
      fields: { one: colour, two: colour, many: Type.Array(colour) },
      input: { one: 'dark-green', two: 'Blue', many: ['red', 'Blue', 'red'] },
    }),
  ),
  value(
    'another text than the several is refused',
    refuses({ fields: { colour }, input: { colour: 'purple' } }, ['/colour', 'enum']),
  ),
  value(
    'a constant is refused when it is another',
    refuses({ fields: { kind: Type.Literal('a') }, input: { kind: 'b' } }, ['/kind', 'const']),
  ),
  value(
    'a record takes any names and checks its values',
    refuses(
      {
        fields: { record: Type.Record(Type.String(), Type.Integer({ minimum: 0 })) },
        input: { record: { a: 1, b: -1 } },
      },
      ['/record/b', 'minimum'],
    ),
  ),
  value(
    'of alternatives the one that is meant is read, with its defaults and without its strays',
    accepts(
      {
        fields: { shapes: Type.Array(shape) },
        input: {
          shapes: [
            { kind: 'circle', radius: 1, side: 2 },
            { kind: 'square', side: 2 },
          ],
        },
        needs: ['schema.union'],
      },
      {
        shapes: [
          { kind: 'circle', radius: 1 },
          { kind: 'square', side: 2, isFilled: false },
        ],
      },
    ),
  ),
  value(
    'of alternatives the one that is meant is refused by its own fields',
    refuses({ fields: { shape }, input: { shape: { kind: 'circle' } }, needs: ['schema.union'] }, [
      '/shape/radius',
      'required',
    ]),
  ),
  value(
    'a field of several types takes each of them',
    accepts({
      fields: { many: Type.Array(Type.Union([Type.String(), Type.Integer(), Type.Boolean()])) },
      input: { many: ['1', 1, true] },
      needs: ['schema.union'],
    }),
  ),
]
