import Type from 'typebox'
import type { BatchItem } from '../call/batch/batch-item.ts'
import type { Call } from '../call/call.ts'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { stream } from '../contract/stream.ts'
import { defineConsumer, defineHandler } from './define-handler.ts'
import { fault } from './fault.ts'

const Id = Type.Object({ userId: Type.String() })
const User = Type.Object({ userId: Type.String(), name: Type.String() })
const users = contract('shop.UserService', {
  getUser: { input: Id, output: User, errors: ['not_found'] },
  addUser: { input: Id, output: User },
  watchUsers: { input: Id, output: stream(User) },
})
const created = event('created', { key: 'userId', payload: Id })
const add = ({ userId }: { userId: string }) => ({ userId, name: 'Ann' })
const byOther = ({ id }: { id: string }) => ({ userId: id, name: 'Ann' })

// What fits: parameters need no type.
defineHandler(users, () => ({
  getUser: async ({ userId }, call) => ({ userId, name: call.id }),
  addUser: add,
  async *watchUsers({ userId }) {
    yield { userId, name: 'Ann' }
  },
}))
defineHandler(users, () => ({ getUser: ({ userId }) => ({ userId, name: 'Ann' }) }), { only: ['getUser'] })
const uploads = contract('shop.UploadService', {
  sum: { input: stream(Id), output: User },
  chat: { input: stream(Id), output: stream(User) },
})
defineHandler(uploads, () => ({
  async sum(inputs) {
    let userId = ''
    for await (const input of inputs) userId += input.userId
    return { userId, name: 'Ann' }
  },
  async *chat(inputs, call) {
    for await (const { userId } of inputs) yield { userId, name: call.id }
  },
}))
defineHandler(users, () => ({ getUser: add }), {
  only: ['getUser'],
  access: { roles: ['admin'] },
  operations: { getUser: { policy: (principal, { userId }) => principal?.id === userId, maxConcurrentCalls: 1 } },
})
const info = ({ userId }: { userId: string }, call: Call) => call.log.info({ userId })
defineConsumer(created, () => info)
// With a batch the items need no type either.
defineConsumer(
  created,
  () => async (items, call) => {
    for (const { payload, attempt, fail } of items) if (payload.userId === call.id && attempt > 1) fail(new Error('no'))
  },
  { batch: { maxCount: 10 }, concurrency: 2 },
)

// @ts-expect-error -- addUser and watchUsers are left out
defineHandler(users, () => ({ getUser: add }))
// @ts-expect-error -- addUser is left out of the part
defineHandler(users, () => ({ getUser: add }), { only: ['getUser', 'addUser'] })
// @ts-expect-error -- `name` is missing in what the method returns
defineHandler(users, () => ({ getUser: (input) => input }), { only: ['getUser'] })
// @ts-expect-error -- the input has no field `id`
defineHandler(users, () => ({ getUser: byOther }), { only: ['getUser'] })
// @ts-expect-error -- a stream handler returns no promise
defineHandler(users, () => ({ watchUsers: async () => [] }), { only: ['watchUsers'] })
// @ts-expect-error -- the contract has no operation of this name
defineHandler(users, () => ({}), { only: ['getuser'] })
// @ts-expect-error -- the payload has no field `id`
defineConsumer(created, () => byOther)
// @ts-expect-error -- with a batch a handler takes items, not a payload
defineConsumer(created, () => info, { batch: { maxCount: 10 } })
const infoAll = (items: readonly BatchItem<{ userId: string }>[]) => items.length
// @ts-expect-error -- without a batch a handler takes a payload, not items
defineConsumer(created, () => infoAll)
const infoOther = (items: readonly BatchItem<{ id: string }>[]) => items.length
// @ts-expect-error -- the payloads have no field `id`
defineConsumer(created, () => infoOther, { batch: { maxCount: 10 } })
// @ts-expect-error -- a batch says how many it holds
defineConsumer(created, () => infoAll, { batch: { maxWaitMs: 10 } })
// @ts-expect-error -- a misspelt setting must not be ignored
defineConsumer(created, () => infoAll, { batch: { maxCount: 10, maxWait: 10 } })

// @ts-expect-error -- an input stream is no object
defineHandler(uploads, () => ({ sum: add }), { only: ['sum'] })
// @ts-expect-error -- roles and scopes are two rules
defineHandler(users, () => ({ getUser: add }), { only: ['getUser'], access: { roles: ['a'], scopes: ['b'] } })
const byId = (_principal: unknown, { id }: { readonly id: string }) => id === 'a'
// @ts-expect-error -- the input of the policy has no field `id`
defineHandler(users, () => ({ getUser: add }), { only: ['getUser'], operations: { getUser: { policy: byId } } })
// @ts-expect-error -- a misspelt setting must not be ignored
contract('shop.UserService', { getUser: { input: Id, output: User, acces: 'authenticated' } })

fault(users.getUser, 'not_found', 'no such user')
// @ts-expect-error -- getUser does not declare already_exists
fault(users.getUser, 'already_exists', 'there is one')
// @ts-expect-error -- addUser declares no code at all
fault(users.addUser, 'not_found', 'no such user')
// @ts-expect-error -- a fault says what is wrong
fault(users.getUser, 'not_found')
// @ts-expect-error -- a fault told with more has a message too
fault(users.getUser, 'not_found', { reason: 'gone' })
