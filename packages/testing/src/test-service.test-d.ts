import { defineService, type Principal, type Service, secret, text } from '@tenon/core'
import { contract, event, int64, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expectTypeOf } from 'vitest'
import { fakeRemote } from './fake-remote.ts'
import { override } from './override.ts'
import { testService } from './test-service.ts'

const Item = Type.Object({ index: Type.Integer() })
const demo = contract('demo.v1.Demo', {
  get: { input: Type.Object({ name: Type.String() }), output: Item, queue: { topic: 'demo.get.v1', key: 'name' } },
  list: { input: Type.Object({}), output: stream(Item) },
  sum: { input: stream(Item), output: Type.Object({ total: int64() }) },
})
const done = event('demo.done.v1', { key: 'name', payload: Type.Object({ name: Type.String() }) })
class Store {
  readonly #items: readonly number[] = []
  find(index: number): number | undefined {
    return this.#items[index]
  }
  count(): number {
    return this.#items.length
  }
}

const service = defineService({
  name: 'demo',
  version: '1',
  config: { url: text('URL'), key: secret(text('KEY')) },
  handlers: [],
})
const tested = await testService(service, { config: { url: 'x', key: 'k' } })
const ada: Principal = { id: 'ada' }

// What fits.
expectTypeOf(tested.call(demo.get, { name: 'a' }, { principal: ada })).resolves.toEqualTypeOf<{ index: number }>()
expectTypeOf(tested.call(demo.list, {})).toEqualTypeOf<AsyncIterableIterator<{ index: number }>>()
expectTypeOf(tested.call(demo.sum, [{ index: 1 }])).resolves.toEqualTypeOf<{ total: bigint }>()
expectTypeOf(tested.published(done)[0]).toExtend<{ payload: { name: string } } | undefined>()
expectTypeOf(tested.published(demo.get)[0]).toExtend<{ payload: { name: string } } | undefined>()
void testService(service as Service)
override(Store, { find: () => 1 })
override(Store, new Store())
fakeRemote(demo, { get: () => ({ index: 1 }), sum: async () => ({ total: 1n }) })

// @ts-expect-error -- there is no such setting
void testService(service, { config: { uri: 'x' } })
// @ts-expect-error -- the setting is text
void testService(service, { config: { url: 1 } })
// @ts-expect-error -- the input has another field
void tested.call(demo.get, { index: 1 })
// @ts-expect-error -- a stream of input items is no single one
void tested.call(demo.sum, { index: 1 })
// @ts-expect-error -- the event has another payload
void tested.publish(done, { index: 1 })
// @ts-expect-error -- an operation without a queue binding is no command
void tested.send(demo.list, {})
// @ts-expect-error -- a Store finds numbers
override(Store, { find: () => 'one' })
// @ts-expect-error -- a Store has no such member
override(Store, { search: () => 1 })
// @ts-expect-error -- the output has another field
fakeRemote(demo, { get: () => ({ name: 'a' }) })
// @ts-expect-error -- a stream is answered with items
fakeRemote(demo, { list: () => ({ index: 1 }) })
