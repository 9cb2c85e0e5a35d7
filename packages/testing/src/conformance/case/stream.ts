import { type Call, currentCall, ServiceError, stream as streamOf } from '@tenon/core'
import { int64 } from '@tenon/core/contract'
import Type from 'typebox'
import { requireEqual, requireFailure, requireSuccess, requireTrue, requireViolations } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import { readAll } from './stream-kind.ts'

const stream = behavioursOf('stream')
const output = streamOf(Type.Object({ n: Type.Integer() }))
const needs = ['stream.output'] as const

const hardTexts = ['a\nb', 'a\r\n\r\nb', '\u2028\u2029', 'data: x\n\n', '\u0000', 'ü🦊', '']

async function* items(...numbers: readonly unknown[]): AsyncGenerator<unknown> {
  for (const n of numbers) yield { n }
}

/** Any number of items one way or the other. */
export const streamCases = [
  stream('items reach the caller in their order', {
    needs,
    run: async ({ serve }) => {
      await using served = await serve({ output, handle: () => items(1, 2, 3) })
      const { items: found, failure } = await readAll(served.stream({}))
      requireEqual({ found, failure }, { found: [{ n: 1 }, { n: 2 }, { n: 3 }], failure: undefined })
    },
  }),
  stream('a stream may have no item', {
    needs,
    run: async ({ serve }) => {
      await using served = await serve({ output, handle: () => items() })
      requireEqual(await readAll(served.stream({})), { items: [], failure: undefined })
    },
  }),
  stream('a stream of a thousand items is whole', {
    needs,
    run: async ({ serve }) => {
      const numbers = Array.from({ length: 1_000 }, (_, n) => n)
      await using served = await serve({ output, handle: () => items(...numbers) })
      const { items: found } = await readAll(served.stream({}))
      requireEqual(
        found,
        numbers.map((n) => ({ n })),
      )
    },
  }),
  stream('items are stripped, and carry 64-bit integers', {
    needs,
    run: async ({ serve }) => {
      const handle = async function* () {
        yield { id: 2n ** 63n - 1n, internal: true }
      }
      await using served = await serve({ output: streamOf(Type.Object({ id: int64() })), handle })
      requireEqual((await readAll(served.stream({}))).items, [{ id: '9223372036854775807' }])
    },
  }),
  stream('items carry any text, also what ends lines and records', {
    needs,
    run: async ({ serve }) => {
      const handle = async function* () {
        for (const text of hardTexts) yield { text }
      }
      await using served = await serve({ output: streamOf(Type.Object({ text: Type.String() })), handle })
      requireEqual(await readAll(served.stream({})), { items: hardTexts.map((text) => ({ text })), failure: undefined })
    },
  }),
  stream('an item reaches the caller before the next one is made', {
    needs,
    run: async ({ serve }) => {
      const arrived = Promise.withResolvers<void>()
      const handle = async function* () {
        yield { n: 1 }
        await arrived.promise
        yield { n: 2 }
      }
      await using served = await serve({ output, handle })
      const found: unknown[] = []
      for await (const event of served.stream({})) {
        found.push(event)
        arrived.resolve()
      }
      requireEqual(found, [{ item: { n: 1 } }, { item: { n: 2 } }])
    },
  }),
  stream('an input that does not fit is refused before any item', {
    needs,
    run: async ({ serve, has }) => {
      await using served = await serve({
        fields: { from: Type.Integer({ minimum: 0 }) },
        output,
        handle: () => items(1),
      })
      const { items: found, failure } = await readAll(served.stream({ from: -1 }))
      requireEqual(found, [])
      const refused = requireFailure(failure ?? { ok: true, output: found, headers: {} }, 'invalid_argument')
      if (has('error.details')) requireViolations(refused, [['/from', 'minimum']])
    },
  }),
  stream('an error after some items ends the stream with its code', {
    needs,
    run: async ({ serve }) => {
      const handle = async function* () {
        yield { n: 1 }
        throw new ServiceError('aborted', 'the source has changed', { reason: 'CHANGED' })
      }
      await using served = await serve({ output, handle, errors: ['aborted'] })
      const { items: found, failure } = await readAll(served.stream({}))
      requireEqual(found, [{ n: 1 }])
      const { code, message, reason } = failure ?? {}
      requireEqual({ code, message, reason }, { code: 'aborted', message: 'the source has changed', reason: 'CHANGED' })
    },
  }),
  stream('a foreign exception after some items is internal and says nothing', {
    needs,
    run: async ({ serve }) => {
      const handle = async function* () {
        yield { n: 1 }
        throw new Error('db-7.internal')
      }
      await using served = await serve({ output, handle })
      const { failure } = await readAll(served.stream({}))
      requireEqual(failure?.code, 'internal')
      requireTrue(!JSON.stringify(failure).includes('db-7'), 'internal text left the service')
    },
  }),
  stream('an item that does not fit its schema ends the stream as internal', {
    needs,
    run: async ({ serve }) => {
      await using served = await serve({ output, handle: () => items(1, 'two', 3) })
      const { items: found, failure } = await readAll(served.stream({}))
      requireEqual({ found, code: failure?.code }, { found: [{ n: 1 }], code: 'internal' })
    },
  }),
  stream("a caller that leaves the loop runs the generator's clean-up", {
    needs,
    run: async ({ serve }) => {
      const cleaned = Promise.withResolvers<void>()
      const handle = async function* () {
        try {
          for (let n = 0; ; n += 1) {
            yield { n }
            await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          cleaned.resolve()
        }
      }
      await using served = await serve({ output, handle })
      for await (const _event of served.stream({})) break
      await cleaned.promise
    },
  }),
  stream('every step finds its call around it', {
    needs,
    run: async ({ serve }) => {
      const seen: unknown[] = []
      const handle = async function* (_input: never, call: Call) {
        for (const n of [1, 2]) {
          seen.push(currentCall()?.id === call.id)
          yield { n }
        }
        seen.push(currentCall()?.id === call.id)
      }
      await using served = await serve({ output, handle })
      await readAll(served.stream({}))
      requireEqual(seen, [true, true, true])
    },
  }),
  stream("the operation's time ends a stream that goes on", {
    needs,
    run: async ({ serve }) => {
      const handle = async function* (_input: never, { signal }: Call) {
        yield { n: 1 }
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      }
      await using served = await serve({ output, handle, timeoutMs: 50 })
      const { items: found, failure } = await readAll(served.stream({}))
      requireEqual(failure?.code, 'deadline_exceeded', 'the stream should end with')
      // On a busy machine the time may be over before the first item.
      requireTrue(found.length <= 1, 'the stream should not go on')
    },
  }),
  stream('a stream that runs when the drain begins may end itself', {
    needs,
    run: async ({ serve }) => {
      const handle = async function* (_input: never, { draining }: Call) {
        yield { n: 1 }
        await new Promise((resolve) => draining.addEventListener('abort', resolve, { once: true }))
        yield { n: 2 }
      }
      await using served = await serve({ output, handle })
      let ending: Promise<{ readonly exitCode: 0 | 1 }> | undefined
      const found: unknown[] = []
      for await (const event of served.stream({})) {
        found.push(event)
        ending ??= served.stop()
      }
      requireEqual(found, [{ item: { n: 1 } }, { item: { n: 2 } }])
      requireEqual((await ending)?.exitCode, 0, 'the exit code should be')
    },
  }),
  stream('items of the caller reach the handler in their order', {
    needs: ['stream.input'],
    run: async ({ serve }) => {
      const handle = async (inputs: AsyncIterable<{ readonly n: number }>) => {
        const numbers: number[] = []
        for await (const { n } of inputs) numbers.push(n)
        return { numbers }
      }
      const numbers = Type.Object({ numbers: Type.Array(Type.Integer()) })
      const offer = { fields: { n: Type.Integer() }, isInputStream: true, output: numbers, handle: handle as never }
      await using served = await serve(offer)
      requireEqual(requireSuccess(await served.send(items(1, 2, 3))).output, { numbers: [1, 2, 3] })
      requireEqual(requireSuccess(await served.send(items())).output, { numbers: [] })
    },
  }),
  stream('items of the caller carry any text, also what ends lines and records', {
    needs: ['stream.input'],
    run: async ({ serve }) => {
      const seen: string[] = []
      const handle = async (inputs: AsyncIterable<{ readonly text: string }>) => {
        for await (const { text } of inputs) seen.push(text)
        return {}
      }
      const sent = async function* () {
        for (const text of hardTexts) yield { text }
      }
      const offer = { fields: { text: Type.String() }, isInputStream: true, output: Type.Object({}) }
      await using served = await serve({ ...offer, handle: handle as never })
      requireSuccess(await served.send(sent()))
      requireEqual(seen, hardTexts, 'the handler should be given')
    },
  }),
  stream('an item of the caller that does not fit is refused by its place', {
    needs: ['stream.input'],
    run: async ({ serve, has }) => {
      const handle = async (inputs: AsyncIterable<unknown>) => {
        for await (const _input of inputs);
        return {}
      }
      const fields = { n: Type.Integer({ minimum: 0 }) }
      const offer = { fields, isInputStream: true, output: Type.Object({}), handle: handle as never }
      await using served = await serve(offer)
      const failure = requireFailure(await served.send(items(1, -1, 2)), 'invalid_argument')
      if (has('error.details')) requireViolations(failure, [['/1/n', 'minimum']])
    },
  }),
  stream('items go both ways, each answer before the next question', {
    needs: ['stream.both'],
    run: async ({ serve }) => {
      const handle = async function* (inputs: AsyncIterable<{ readonly n: number }>) {
        for await (const { n } of inputs) yield { n: n * 2 }
      }
      const offer = { fields: { n: Type.Integer() }, isInputStream: true, output, handle: handle as never }
      await using served = await serve(offer)
      let answered = Promise.withResolvers<void>()
      const questions = async function* () {
        for (const n of [1, 2, 3]) {
          yield { n }
          await answered.promise
          answered = Promise.withResolvers()
        }
      }
      const found: unknown[] = []
      for await (const event of served.converse(questions())) {
        found.push(event)
        answered.resolve()
      }
      requireEqual(found, [{ item: { n: 2 } }, { item: { n: 4 } }, { item: { n: 6 } }])
    },
  }),
]
