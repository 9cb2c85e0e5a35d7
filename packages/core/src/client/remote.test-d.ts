import Type from 'typebox'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { stream } from '../contract/stream.ts'
import { inject } from '../handler/inject.ts'
import type { ClientTransport } from './client-transport.ts'
import { Publisher } from './publisher/publisher.ts'
import { clientOf, remote } from './remote.ts'

const Id = Type.Object({ userId: Type.String() })
const users = contract('shop.UserService', {
  getUser: { input: Id, output: z.object({ size: z.string().transform(Number) }) },
  watchUsers: { input: Id, output: stream(Id) },
  sumUsers: { input: stream(Id), output: Id },
  chatUsers: { input: stream(Id), output: stream(Id) },
  importUser: { input: Id, output: Id, queue: { topic: 'users', key: 'userId' } },
})
const created = event('created', { key: 'userId', payload: Id })
const client = inject(clientOf(users))
const publisher = inject(Publisher)

// What fits.
expectTypeOf(client.getUser({ userId: 'a' }, { timeoutMs: 1 })).toEqualTypeOf<Promise<{ size: number }>>()
expectTypeOf(client.watchUsers({ userId: 'a' })).toEqualTypeOf<AsyncIterable<{ userId: string }>>()
expectTypeOf(client.sumUsers([{ userId: 'a' }])).toEqualTypeOf<Promise<{ userId: string }>>()
expectTypeOf(client.chatUsers(client.watchUsers({ userId: 'a' }))).toEqualTypeOf<AsyncIterable<{ userId: string }>>()
// @ts-expect-error -- an input stream is given as many
void client.sumUsers({ userId: 'a' })
void publisher.send(users.importUser, { userId: 'a' }, { headers: { 'x-tenant': 't' } })
void publisher.publish(created, { userId: 'a' })

declare const via: ClientTransport
remote(users, { via, at: 'static:///a:1', policy: { retry: {}, operations: { getUser: { timeoutMs: 5 } } } })
remote(users, {
  via,
  at: 'static:///a:1',
  policy: { operations: { importUser: { fallback: (_failure, { userId }) => ({ userId }) } } },
})
// @ts-expect-error -- the output has no field `id`
remote(users, { via, at: 'static:///a:1', policy: { operations: { importUser: { fallback: () => ({ id: 'a' }) } } } })
// @ts-expect-error -- the contract has no such operation
remote(users, { via, at: 'static:///a:1', policy: { operations: { dropUser: { timeoutMs: 5 } } } })

// @ts-expect-error -- the input has no field `id`
void client.getUser({ id: 'a' })
// @ts-expect-error -- `userId` is missing
void client.getUser({})
// @ts-expect-error -- what is received went through the transform
expectTypeOf<Promise<{ size: string }>>(client.getUser({ userId: 'a' }))
// @ts-expect-error -- the contract has no such operation
void client.dropUser({ userId: 'a' })
// @ts-expect-error -- a stream is no promise
void client.watchUsers({ userId: 'a' }).then(String)
// @ts-expect-error -- there is no such option
void client.getUser({ userId: 'a' }, { retries: 3 })
// @ts-expect-error -- an operation without a queue cannot be sent
void publisher.send(users.getUser, { userId: 'a' })
// @ts-expect-error -- the input has no field `id`
void publisher.send(users.importUser, { id: 'a' })
// @ts-expect-error -- the payload has no field `id`
void publisher.publish(created, { id: 'a' })
// @ts-expect-error -- an operation is sent, not published
void publisher.publish(users.importUser, { userId: 'a' })
// @ts-expect-error -- an event is published, not sent
void publisher.send(created, { userId: 'a' })
