import Type from 'typebox'
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
defineConsumer(created, () => byOther)

fault(users.getUser, 'not_found', 'no such user')
// @ts-expect-error -- getUser does not declare already_exists
fault(users.getUser, 'already_exists', 'there is one')
// @ts-expect-error -- addUser declares no code at all
fault(users.addUser, 'not_found', 'no such user')
// @ts-expect-error -- a fault says what is wrong
fault(users.getUser, 'not_found')
// @ts-expect-error -- a fault told with more has a message too
fault(users.getUser, 'not_found', { reason: 'gone' })
