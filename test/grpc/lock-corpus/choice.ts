import { Type } from '@tenon/core/typebox'
import { type Change, fieldChange } from './change.ts'

const text = Type.String()
const choice = (...texts: readonly string[]) => Type.Enum([...texts])

/** Choices of texts, which are enums. */
export const choiceChanges: readonly Change[] = [
  fieldChange({
    name: 'adds a text to a choice',
    verdict: 'compatible',
    before: { a: choice('on', 'off') },
    after: { a: choice('on', 'half', 'off') },
  }),
  fieldChange({
    name: 'reorders a choice',
    verdict: 'compatible',
    before: { a: choice('on', 'off') },
    after: { a: choice('off', 'on') },
  }),
  fieldChange({
    name: 'removes a text of a choice',
    verdict: 'compatible',
    before: { a: choice('on', 'half', 'off') },
    after: { a: choice('on', 'off') },
  }),
  fieldChange({
    name: 'removes a text of a choice and adds another',
    verdict: 'compatible',
    before: { a: choice('on', 'off') },
    after: { a: choice('off', 'full') },
  }),
  fieldChange({
    name: 'adds a text after one was removed',
    verdict: 'compatible',
    before: [{ a: choice('on', 'half', 'off') }, { a: choice('on', 'half') }],
    after: { a: choice('on', 'half', 'full') },
  }),
  fieldChange({
    name: 'makes a choice a list of them',
    verdict: 'breaking',
    told: 'the schema says repeated',
    before: { a: choice('on', 'off') },
    after: { a: Type.Array(choice('on', 'off')) },
  }),
  fieldChange({
    name: 'makes a choice any text',
    verdict: 'breaking',
    told: 'the schema says string',
    before: { a: choice('on', 'off') },
    after: { a: text },
  }),
  fieldChange({
    name: 'makes any text a choice',
    verdict: 'breaking',
    told: 'the lock says string',
    before: { a: text },
    after: { a: choice('on', 'off') },
  }),
  fieldChange({
    name: 'brings a text back that was removed',
    verdict: 'breaking',
    told: 'value A_HALF',
    before: [{ a: choice('on', 'half', 'off') }, { a: choice('on', 'off') }],
    after: { a: choice('on', 'off', 'half') },
  }),
]
