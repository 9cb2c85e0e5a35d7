import { stream as streamOf } from '@tenon/core'
import Type from 'typebox'
import { requireEqual, requireSuccess, requireTrue } from '../assertion.ts'
import { behavioursOf } from '../behaviour.ts'
import type { Offer } from '../stage.ts'
import { quiet } from './quiet.ts'
import { twoItems } from './stream-kind.ts'

const flow = behavioursOf('flow')

const itemCharacters = 65_536
/** 16 MiB: more than the buffers of a connection keep by themselves. A guess: 6 MiB were seen with TCP on Linux. */
const mostItemsAhead = 256

const item = Type.Object({ text: Type.String() })
const output = streamOf(item)

/** Items that are counted when they are asked for, until there are enough, or too many. */
function countedItems() {
  const text = 'x'.repeat(itemCharacters)
  let madeCount = 0
  let isEnough = false
  async function* items() {
    while (!isEnough && madeCount <= 2 * mostItemsAhead) {
      madeCount += 1
      yield { text }
    }
  }
  return {
    items,
    get madeCount() {
      return madeCount
    },
    finish: () => {
      isEnough = true
    },
  }
}

function requireHeld(madeCount: number, mostCount = mostItemsAhead): void {
  requireTrue(madeCount <= mostCount, `expected at most ${mostCount} items ahead of their reader, found ${madeCount}`)
}

/** Who is slow holds back the other side, so that memory stays as it is however much there is to say. */
export const flowCases = [
  flow('a caller that does not read holds back the handler of a server stream', {
    needs: ['stream.output'],
    run: async ({ serve }) => {
      const counted = countedItems()
      await using served = await serve({ output, handle: counted.items })
      let readCount = 0
      for await (const step of served.stream({})) {
        requireTrue('item' in step, 'the stream should not fail')
        readCount += 1
        if (readCount > 1) continue
        await quiet(() => counted.madeCount)
        requireHeld(counted.madeCount)
        counted.finish()
      }
      requireEqual(readCount, counted.madeCount, 'items that reach the caller should be')
    },
  }),
  flow('a handler that does not read holds back the caller of a client stream', {
    needs: ['stream.input'],
    run: async ({ serve }) => {
      const counted = countedItems()
      let readCount = 0
      let heldCount = 0
      const handle = async (inputs: AsyncIterable<unknown>) => {
        for await (const _input of inputs) {
          readCount += 1
          if (readCount > 1) continue
          await quiet(() => counted.madeCount)
          heldCount = counted.madeCount
          counted.finish()
        }
        return {}
      }
      await using served = await serve({ ...taking(handle), output: Type.Object({}) })
      requireSuccess(await served.send(counted.items()))
      requireHeld(heldCount)
      requireEqual(readCount, counted.madeCount, 'items that reach the handler should be')
    },
  }),
  flow('a handler that does not read holds back the caller of a bidirectional stream', {
    needs: ['stream.both'],
    run: async ({ serve }) => {
      const counted = countedItems()
      let heldCount = 0
      const handle = async function* (inputs: AsyncIterable<unknown>) {
        let readCount = 0
        for await (const _input of inputs) {
          readCount += 1
          if (readCount > 1) continue
          yield { text: 'first' }
          await quiet(() => counted.madeCount)
          heldCount = counted.madeCount
          counted.finish()
        }
        yield { text: String(readCount) }
      }
      await using served = await serve({ ...taking(handle), output })
      const found: unknown[] = []
      for await (const step of served.converse(counted.items())) found.push(step)
      requireHeld(heldCount)
      requireEqual(found, [{ item: { text: 'first' } }, { item: { text: String(counted.madeCount) } }])
    },
  }),
  flow('a caller that does not read holds back the handler of a bidirectional stream, and by it itself', {
    needs: ['stream.both'],
    run: async ({ serve }) => {
      const counted = countedItems()
      const handle = async function* (inputs: AsyncIterable<unknown>) {
        for await (const input of inputs) yield input
      }
      await using served = await serve({ ...taking(handle), output })
      let readCount = 0
      for await (const step of served.converse(counted.items())) {
        requireTrue('item' in step, 'the stream should not fail')
        readCount += 1
        if (readCount > 1) continue
        await quiet(() => counted.madeCount)
        requireHeld(counted.madeCount, 2 * mostItemsAhead)
        counted.finish()
      }
      requireEqual(readCount, counted.madeCount, 'items that reach the caller should be')
    },
  }),
  flow('a handler may answer before its caller has said all', {
    needs: ['stream.input'],
    run: async ({ serve }) => {
      const answered = Promise.withResolvers<void>()
      const handle = async (inputs: AsyncIterable<{ readonly n: number }>) => {
        for await (const { n } of inputs) return { n }
        return { n: 0 }
      }
      const numbers = { fields: { n: Type.Integer() }, isInputStream: true, output: Type.Object({ n: Type.Integer() }) }
      await using served = await serve({ ...numbers, handle: handle as Offer['handle'] & object })
      try {
        requireEqual(requireSuccess(await served.send(twoItems(answered.promise))).output, { n: 1 })
      } finally {
        answered.resolve()
      }
    },
  }),
]

function taking(handle: (inputs: AsyncIterable<unknown>) => unknown): Offer {
  return { fields: { text: Type.String() }, isInputStream: true, handle: handle as Offer['handle'] & object }
}
