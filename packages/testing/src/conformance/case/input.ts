import Type from 'typebox'
import { requireEqual, requireFailure, requireTrue, requireViolations, type FieldRule } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import { accepts, refuses } from './rule.ts'

const input = behavioursOf('input')
const Address = Type.Object({ street: Type.String({ minLength: 1 }), zip: Type.Optional(Type.String()) })
const order = { name: Type.String({ minLength: 2 }), address: Address, items: Type.Array(Address, { maxItems: 3 }) }
const fits = { name: 'Ada', address: { street: 'A' }, items: [{ street: 'B' }] }
const withMore = {
  ...fits,
  colour: 'green',
  address: { street: 'A', floor: 'first' },
  items: [{ street: 'B', floor: 'second' }],
}
const invalid = 'invalid_argument'

/** Every format that is enforced, with a text that has it and one that has not. */
const formats: Readonly<Record<string, readonly [right: string, wrong: string]>> = {
  uuid: ['6d7b6a0e-6c1e-4f0e-9d8e-0d3f5f1c2b3a', '6d7b6a0e-6c1e-4f0e-9d8e'],
  email: ['ada@example.com', 'ada at example.com'],
  'date-time': ['2026-02-28T12:30:00Z', '2026-02-30T12:30:00Z'],
  date: ['2026-02-28', '2026-02-30'],
  uri: ['https://example.com/a?b#c', 'no uri'],
  ipv4: ['127.0.0.1', '127.0.0.256'],
  ipv6: ['2001:db8::1', '2001:db8::1::2'],
  hostname: ['a-b.example.com', '-a.example.com'],
  byte: ['AQID', 'AQI'],
}

/** Values that another type would take for the one that is meant; no transport may help them along. */
const lookalikes: readonly (readonly [words: string, type: 'integer' | 'number' | 'boolean' | 'string', unknown])[] = [
  ['the text "1" is no integer', 'integer', '1'],
  ['the text "1.5" is no number', 'number', '1.5'],
  ['the text "true" is no boolean', 'boolean', 'true'],
  ['the number 1 is no boolean', 'boolean', 1],
  ['the number 1 is no text', 'string', 1],
  ['true is no text', 'string', true],
  ['true is no number', 'number', true],
  ['1.5 is no integer', 'integer', 1.5],
  ['a list of one text is no text', 'string', ['a']],
  ['an object is no text', 'string', { a: 'b' }],
]
const types = { integer: Type.Integer(), number: Type.Number(), boolean: Type.Boolean(), string: Type.String() }

export const inputCases = [
  input('what fits reaches the handler as it was sent', accepts({ fields: order, input: fits })),
  input(
    'a field that is missing is refused by its name',
    refuses({ fields: order, input: { address: { street: 'A' }, items: [] } }, ['/name', 'required']),
  ),
  input(
    'a field that is missing deep inside is refused by its place',
    refuses({ fields: order, input: { ...fits, items: [{ street: 'B' }, { zip: '1' }] } }, [
      '/items/1/street',
      'required',
    ]),
  ),
  input(
    'everything that is wrong is told at once',
    refuses(
      { fields: order, input: { name: 'A', address: { street: '' }, items: [{ street: 'B' }, { street: '' }] } },
      ['/name', 'minLength'],
      ['/address/street', 'minLength'],
      ['/items/1/street', 'minLength'],
    ),
  ),
  input('no more than 20 violations are told', {
    run: async ({ serve, has }) => {
      const fields = { texts: Type.Array(Type.String({ minLength: 2 })) }
      await using served = await serve({ fields })
      const failure = requireFailure(await served.call({ texts: Array.from({ length: 30 }, () => 'a') }), invalid)
      const expected = Array.from({ length: 20 }, (_, index): FieldRule => [`/texts/${index}`, 'minLength'])
      if (has('error.details')) requireViolations(failure, expected)
      requireEqual(served.inputs, [])
    },
  }),
  input(
    'fields that nothing declares are dropped, also inside of others',
    accepts({ fields: order, input: withMore }, fits),
  ),
  input(
    'a closed object refuses what it does not declare',
    refuses(
      {
        fields: { closed: Type.Object({ a: Type.Optional(Type.String()) }, { additionalProperties: false }) },
        input: { closed: { a: '1', b: '2' } },
        needs: ['input.any_name'],
      },
      ['/closed/b', 'additionalProperties'],
    ),
  ),
  input('names that every object has are harmless', {
    needs: ['input.any_name'],
    run: async ({ serve }) => {
      await using served = await serve({ fields: { name: Type.String() } })
      const hostile: unknown = JSON.parse('{"name":"Ada","__proto__":{"isAdmin":true},"constructor":{"x":1}}')
      await served.call(hostile)
      requireEqual(served.inputs, [{ name: 'Ada' }], 'the handler should be given')
      requireTrue(!('isAdmin' in {}), 'the prototype of all objects was changed')
    },
  }),
  input(
    'a text that is too short or too long is refused',
    refuses(
      {
        fields: { short: Type.String({ minLength: 2 }), long: Type.String({ maxLength: 2 }) },
        input: { short: 'a', long: 'abc' },
      },
      ['/short', 'minLength'],
      ['/long', 'maxLength'],
    ),
  ),
  input(
    'a text of another pattern is refused',
    refuses({ fields: { sku: Type.String({ pattern: '^[A-Z]+$' }) }, input: { sku: 'a1' } }, ['/sku', 'pattern']),
  ),
  input(
    'a number out of range is refused',
    refuses(
      {
        fields: {
          least: Type.Integer({ minimum: 1 }),
          most: Type.Number({ maximum: 1 }),
          below: Type.Number({ exclusiveMaximum: 1 }),
          step: Type.Integer({ multipleOf: 5 }),
        },
        input: { least: 0, most: 1.5, below: 1, step: 7 },
      },
      ['/least', 'minimum'],
      ['/most', 'maximum'],
      ['/below', 'exclusiveMaximum'],
      ['/step', 'multipleOf'],
    ),
  ),
  input(
    'the ends of a range belong to it',
    accepts({
      fields: {
        least: Type.Integer({ minimum: -1 }),
        most: Type.Number({ maximum: 1.5 }),
        text: Type.String({ minLength: 1, maxLength: 1 }),
      },
      input: { least: -1, most: 1.5, text: 'a' },
    }),
  ),
  input(
    'a list that is too short or too long is refused',
    refuses(
      {
        fields: {
          few: Type.Array(Type.String(), { minItems: 2 }),
          many: Type.Array(Type.Integer(), { maxItems: 1 }),
        },
        input: { few: ['a'], many: [1, 2] },
      },
      ['/few', 'minItems'],
      ['/many', 'maxItems'],
    ),
  ),
  input(
    'a list whose items must differ refuses what comes twice',
    refuses({ fields: { tags: Type.Array(Type.String(), { uniqueItems: true }) }, input: { tags: ['a', 'a'] } }, [
      '/tags',
      'uniqueItems',
    ]),
  ),
  ...Object.entries(formats).map(([format, [right]]) =>
    input(
      `the format ${format} takes "${right}"`,
      accepts({ fields: { text: Type.String({ format }) }, input: { text: right } }),
    ),
  ),
  ...Object.entries(formats).map(([format, [, wrong]]) =>
    input(
      `the format ${format} refuses "${wrong}"`,
      refuses({ fields: { text: Type.String({ format }) }, input: { text: wrong } }, ['/text', 'format']),
    ),
  ),
  ...lookalikes.map(([words, type, value]) =>
    input(
      words,
      refuses({ fields: { value: types[type] }, input: { value }, needs: ['input.any_type'] }, ['/value', 'type']),
    ),
  ),
  input(
    'null is not an absent field',
    refuses(
      {
        fields: { note: Type.Optional(Type.String()) },
        input: { note: null },
        needs: ['input.any_type', 'input.null'],
      },
      ['/note', 'type'],
    ),
  ),
  input('an input that is no object is refused', {
    needs: ['input.any_type'],
    run: async ({ serve }) => {
      await using served = await serve()
      for (const none of [[], 'text', 1, true, null]) requireFailure(await served.call(none), invalid)
      requireEqual(served.inputs, [])
    },
  }),
]
