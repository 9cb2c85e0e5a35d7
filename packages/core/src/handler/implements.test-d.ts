import Type from 'typebox'
import { z } from 'zod'
import type { BatchItem } from '../call/batch/batch-item.ts'
import type { Call } from '../call/call.ts'
import { contract } from '../contract/contract.ts'
import { event, type Payload } from '../contract/event.ts'
import type { Input, Output } from '../contract/operation.ts'
import { stream } from '../contract/stream.ts'
import { Consumes } from './consumes.ts'
import { Handles } from './handles.ts'
import { Implements } from './implements.ts'
import { Intercepts } from './intercepts.ts'

const Id = Type.Object({ userId: Type.String() })
const User = Type.Object({ userId: Type.String(), name: Type.String(), age: Type.Optional(Type.Integer()) })
const users = contract('shop.UserService', {
  getUser: { input: Id, output: User },
  zodUser: { input: z.object({ userId: z.string() }), output: z.object({ userId: z.string(), name: z.string() }) },
  watchUsers: { input: Id, output: stream(User) },
})
const created = event('created', { key: 'userId', payload: Id })
const user = { userId: 'a', name: 'Ann' }

// What fits.
@Intercepts(async (_call, next) => next())
@Handles(users)
export class Fitting {
  @Implements(users.getUser) async getUser({ userId }: Input<typeof users.getUser>, call: Call) {
    return { userId, name: call.id }
  }
  @Implements(users.zodUser) zodUser(): Output<typeof users.zodUser> {
    return user
  }
  @Implements(users.watchUsers) async *watchUsers(_input: Input<typeof users.watchUsers>) {
    yield user
  }
  @Consumes(created, { group: 'g' }) onCreated(_payload: Payload<typeof created>) {}
  @Consumes(created, { batch: { maxCount: 10, maxWaitMs: 0 } })
  onMany(items: readonly BatchItem<Payload<typeof created>>[], call: Call) {
    for (const { payload, fail } of items) if (payload.userId === call.id) fail(new Error('no'))
  }
}

export class Returning {
  // @ts-expect-error -- `name` has another type than is declared
  @Implements(users.getUser) async wrongType({ userId }: Input<typeof users.getUser>) {
    return { userId, name: 1 }
  }
  // @ts-expect-error -- `name` is missing
  @Implements(users.getUser) async missingField({ userId }: Input<typeof users.getUser>) {
    return { userId }
  }
  // @ts-expect-error -- `name` is missing for a Zod output too
  @Implements(users.zodUser) missingZodField() {
    return { userId: 'a' }
  }
  // @ts-expect-error -- the optional `age` has another type than is declared
  @Implements(users.getUser) wrongOptional() {
    return { ...user, age: 'old' }
  }
  // @ts-expect-error -- nothing is returned
  @Implements(users.getUser) async nothing() {}
  // @ts-expect-error -- one value is declared, not a stream
  @Implements(users.getUser) async *stream() {
    yield user
  }
}

export class Streaming {
  // @ts-expect-error -- a stream handler returns no promise
  @Implements(users.watchUsers) async promise() {
    return [user]
  }
  // @ts-expect-error -- not even the promise of a stream
  @Implements(users.watchUsers) async promiseOfStream() {
    return new Streaming().items()
  }
  // @ts-expect-error -- an array is no async iterable
  @Implements(users.watchUsers) array() {
    return [user]
  }
  // @ts-expect-error -- the items have another type than is declared
  @Implements(users.watchUsers) async *items() {
    yield { userId: 1, name: 'Ann' }
  }
}

export class Taking {
  // @ts-expect-error -- the input has no field `id`
  @Implements(users.getUser) otherField({ id }: { id: string }) {
    return { ...user, name: id }
  }
  // @ts-expect-error -- `userId` is text
  @Implements(users.getUser) otherType({ userId }: { userId: number }) {
    return { ...user, name: String(userId) }
  }
  // @ts-expect-error -- nothing is handed over beside input and call
  @Implements(users.getUser) third(_input: Input<typeof users.getUser>, _call: Call, _more: string) {
    return user
  }
  // @ts-expect-error -- the second parameter is a Call
  @Implements(users.getUser) notCall(_input: Input<typeof users.getUser>, _call: { isAdmin: boolean }) {
    return user
  }
  // @ts-expect-error -- the payload has no field `id`
  @Consumes(created) consumer(_payload: { id: string }) {}
  // @ts-expect-error -- with a batch a method takes items, not a payload
  @Consumes(created, { batch: { maxCount: 10 } }) batched(_payload: Payload<typeof created>) {}
  // @ts-expect-error -- without a batch a method takes a payload, not items
  @Consumes(created) unbatched(_items: readonly BatchItem<Payload<typeof created>>[]) {}
  // @ts-expect-error -- the payloads have no field `id`
  @Consumes(created, { batch: { maxCount: 10 } }) others(_items: readonly BatchItem<{ id: string }>[]) {}
}

export class Elsewhere {
  // @ts-expect-error -- a decorator of methods stands on no field
  @Implements(users.getUser) field = () => user
  // @ts-expect-error -- nor on a getter
  @Implements(users.getUser) get getter() {
    return user
  }
  // @ts-expect-error -- a contract is no operation
  @Implements(users) whole() {}
  // @ts-expect-error -- an event is consumed, not implemented
  @Implements(created) event() {}
  // @ts-expect-error -- an operation is implemented, not consumed
  @Consumes(users.getUser) operation() {}
}

// @ts-expect-error -- the contract has no operation of this name
@Handles(users, { only: ['getuser'] })
export class Misspelt {}

// @ts-expect-error -- a handler handles at least one contract
@Handles()
export class Nothing {}
