import Type from 'typebox'
import { requireEqual, requireFailure, requireSuccess } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Offer } from '../stage.ts'

const size = behavioursOf('size')
const fields = { text: Type.String() }
const output = Type.Object({ lengths: Type.Array(Type.Integer()) })

/** More than what frames a text on any wire. A guess. */
const framingBytes = 1_024

/** Texts are of ASCII, so that they have as many bytes as characters. */
function textOf(lengthBytes: number): { readonly text: string } {
  return { text: 'x'.repeat(lengthBytes) }
}

/** How large what a caller sends may be. */
export const sizeCases = [
  size('an input just below the limit comes through', {
    needs: ['limit.size'],
    run: async ({ serve, sizeLimitBytes }) => {
      const input = textOf(sizeLimitBytes - framingBytes)
      await using served = await serve({ fields, handle: () => ({ lengths: [] }), output })
      requireSuccess(await served.call(input))
      requireEqual(served.inputs, [input], 'the handler should be given')
    },
  }),
  size('an input beyond the limit is resource_exhausted, and others are served on', {
    needs: ['limit.size'],
    run: async ({ serve, sizeLimitBytes }) => {
      await using served = await serve({ fields, handle: () => ({ lengths: [] }), output })
      requireFailure(await served.call(textOf(sizeLimitBytes + 1)), 'resource_exhausted')
      requireSuccess(await served.call({ text: 'small' }))
      requireEqual(served.inputs, [{ text: 'small' }], 'the handler should be given')
    },
  }),
  size('items of a stream may be larger together than each may be', {
    needs: ['limit.size', 'stream.input'],
    run: async ({ serve, sizeLimitBytes }) => {
      const lengths = [sizeLimitBytes - framingBytes, sizeLimitBytes - framingBytes]
      await using served = await serve(measuring())
      requireEqual(requireSuccess(await served.send(texts(lengths))).output, { lengths })
    },
  }),
  size('an item of a stream beyond the limit is resource_exhausted, and the handler is not given it', {
    needs: ['limit.size', 'stream.input'],
    run: async ({ serve, sizeLimitBytes }) => {
      const seen: number[] = []
      await using served = await serve(measuring(seen))
      const reply = await served.send(texts([2, sizeLimitBytes + 1, 3]))
      requireFailure(reply, 'resource_exhausted')
      requireEqual(seen, [2], 'the handler should be given texts of')
    },
  }),
]

/** Tells how long the texts are that it is given. */
function measuring(seen: number[] = []): Offer {
  const handle = async (inputs: AsyncIterable<{ readonly text: string }>) => {
    for await (const { text } of inputs) seen.push(text.length)
    return { lengths: seen }
  }
  return { fields, isInputStream: true, output, handle: handle as Offer['handle'] & object }
}

async function* texts(lengths: readonly number[]): AsyncGenerator<unknown> {
  for (const length of lengths) yield textOf(length)
}
