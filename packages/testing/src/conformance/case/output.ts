import { bytes, int64 } from '@tenon/core/contract'
import Type, { type TProperties } from 'typebox'
import { requireEqual, requireFailure, requireSuccess, requireTrue } from '../assertion.ts'
import { type BehaviourOptions, behavioursOf } from '../behaviour.ts'
import type { Feature } from '../feature.ts'

const output = behavioursOf('output')
const Item = Type.Object({ name: Type.String(), note: Type.Optional(Type.String()) })

interface Exchange {
  readonly fields: TProperties
  readonly returned: unknown
  /** JSON data. @defaultValue what is returned */
  readonly received?: unknown
  readonly needs?: readonly Feature[]
}

/** The caller gets this for what the handler returns. */
function gives({ fields, returned, received = returned, needs = [] }: Exchange): BehaviourOptions {
  return {
    needs: ['output', ...needs],
    run: async ({ serve }) => {
      await using served = await serve({ output: Type.Object(fields), handle: () => returned })
      requireEqual(requireSuccess(await served.call({})).output, received, 'the caller should get')
    },
  }
}

/** What a handler returns, on its way out. */
export const outputCases = [
  output(
    'what the handler returns reaches the caller',
    gives({ fields: { item: Item }, returned: { item: { name: 'a' } } }),
  ),
  output(
    'fields that nothing declares never leave, also inside of others',
    gives({
      fields: { items: Type.Array(Item) },
      returned: { items: [{ name: 'a', passwordHash: 'x' }], internal: true },
      received: { items: [{ name: 'a' }] },
    }),
  ),
  output(
    'a field that is undefined is absent',
    gives({
      fields: { item: Item },
      returned: { item: { name: 'a', note: undefined } },
      received: { item: { name: 'a' } },
    }),
  ),
  output(
    'values that are like nothing reach the caller',
    gives({
      fields: { zero: Type.Integer(), no: Type.Boolean(), empty: Type.String(), list: Type.Array(Type.String()) },
      returned: { zero: 0, no: false, empty: '', list: [] },
    }),
  ),
  output(
    '64-bit integers and bytes reach the caller',
    gives({
      fields: { id: int64(), body: bytes() },
      returned: { id: -(2n ** 63n), body: Uint8Array.of(0, 128, 255) },
      received: { id: '-9223372036854775808', body: 'AID/' },
    }),
  ),
  output(
    'null reaches the caller where the schema has it',
    gives({
      fields: { note: Type.Union([Type.String(), Type.Null()]) },
      returned: { note: null },
      needs: ['input.null'],
    }),
  ),
  output(
    'a text of a megabyte reaches the caller',
    gives({ fields: { text: Type.String() }, returned: { text: 'x'.repeat(1_000_000) } }),
  ),
  output('an output that does not fit its schema is internal, and only the log says why', {
    needs: ['error.to_caller'],
    run: async ({ serve }) => {
      const handle = () => ({ item: { note: 'private' } })
      await using served = await serve({ output: Type.Object({ item: Item }), handle })
      const failure = requireFailure(await served.call({}), 'internal')
      requireTrue(!JSON.stringify(failure).includes('item'), 'the caller learned what is wrong with the output')
      requireTrue(served.logged.includes('/item/name'), 'the log does not say what is wrong with the output')
    },
  }),
]
