import Type from 'typebox'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { contract } from './contract.ts'
import { event, type Payload, type PayloadToSend } from './event.ts'
import type { DeclaredError, Input, InputToSend, IsStreaming, Output, OutputReceived } from './operation.ts'
import { stream } from './stream.ts'

const Id = Type.Object({ userId: Type.String() })
const ZodId = z.object({ userId: z.string() })

// What fits.
const users = contract('shop.UserService', {
  getUser: { input: Id, output: Id, errors: ['not_found', 'aborted'], http: 'GET /v1/users/:userId' },
  cancel: { input: ZodId, output: ZodId, http: { route: 'POST /v1/users/:userId:cancel' } },
  command: { input: Id, output: Id, queue: { topic: 'users', key: 'userId' } },
  watch: { input: Id, output: stream(Id) },
  move: {
    input: Type.Object({ userId: Type.String(), at: Type.Optional(Type.Integer()), home: Type.Object({}) }),
    output: Id,
    http: {
      route: ['PUT /v1/users/:userId/home', 'POST /v1/homes'],
      headers: { at: 'if-match' },
      cookies: {},
      body: 'home',
    },
    deprecated: { at: '2026-01-01T00:00:00Z' },
    tags: ['homes'],
    examples: [{ name: 'one', output: { userId: 'u1' } }],
  },
  size: {
    input: z.object({ text: z.string().transform(Number), limit: z.int().default(1) }),
    output: z.object({ size: z.string().transform(Number) }),
  },
})
const created = event('created', { key: 'userId', payload: z.object({ userId: z.string(), n: z.int().default(1) }) })

expectTypeOf<Input<typeof users.getUser>>().toEqualTypeOf<{ userId: string }>()
expectTypeOf<Output<typeof users.watch>>().toEqualTypeOf<{ userId: string }>()
expectTypeOf<DeclaredError<typeof users.getUser>>().toEqualTypeOf<'not_found' | 'aborted'>()
expectTypeOf<DeclaredError<typeof users.watch>>().toEqualTypeOf<never>()
expectTypeOf<IsStreaming<typeof users.watch>>().toEqualTypeOf<true>()
expectTypeOf<IsStreaming<typeof users.getUser>>().toEqualTypeOf<false>()
// Transforms run at the reader: the handler of an input, the caller of an output, the consumer of a payload.
expectTypeOf<Input<typeof users.size>>().toEqualTypeOf<{ text: number; limit: number }>()
expectTypeOf<InputToSend<typeof users.size>>().toEqualTypeOf<{ text: string; limit?: number | undefined }>()
expectTypeOf<Output<typeof users.size>>().toEqualTypeOf<{ size: string }>()
expectTypeOf<OutputReceived<typeof users.size>>().toEqualTypeOf<{ size: number }>()
expectTypeOf<Payload<typeof created>>().toEqualTypeOf<{ userId: string; n: number }>()
expectTypeOf<PayloadToSend<typeof created>>().toEqualTypeOf<{ userId: string; n?: number | undefined }>()

contract('a.A', {
  // @ts-expect-error -- :id is no field of the input
  get: { input: Id, output: Id, http: 'GET /v1/users/:id' },
})
contract('a.A', {
  // @ts-expect-error -- :id is no field of a Zod input either
  get: { input: ZodId, output: Id, http: { route: 'GET /v1/users/:id' } },
})
contract('a.A', {
  // @ts-expect-error -- :id before a custom verb is no field of the input
  get: { input: Id, output: Id, http: 'POST /v1/users/:id:cancel' },
})
contract('a.A', {
  // @ts-expect-error -- one of two parameters is no field of the input
  get: { input: Id, output: Id, http: 'GET /v1/users/:userId/notes/:noteId' },
})
contract('a.A', {
  // @ts-expect-error -- :id in the second of two routes is no field of the input
  get: { input: Id, output: Id, http: { route: ['GET /v1/users/:userId', 'GET /v1/people/:id'] } },
})
contract('a.A', {
  // @ts-expect-error -- a header is given to what is no field of the input
  get: { input: Id, output: Id, http: { route: 'GET /v1/users', headers: { id: 'x-id' } } },
})
contract('a.A', {
  // @ts-expect-error -- a cookie is given to what is no field of the input
  get: { input: ZodId, output: Id, http: { route: 'GET /v1/users', cookies: { id: 'id' } } },
})
contract('a.A', {
  // @ts-expect-error -- the body is no field of the input
  get: { input: Id, output: Id, http: { route: 'POST /v1/users', body: 'user' } },
})
contract('a.A', {
  // @ts-expect-error -- a sunset is text
  get: { input: Id, output: Id, deprecated: { sunset: new Date() } },
})
contract('a.A', {
  // @ts-expect-error -- FETCH is no verb
  get: { input: Id, output: Id, http: 'FETCH /v1/users' },
})
contract('a.A', {
  // @ts-expect-error -- a path begins with a slash
  get: { input: Id, output: Id, http: 'GET v1/users' },
})
contract('a.A', {
  // @ts-expect-error -- the key of a queue is no field of the input
  get: { input: Id, output: Id, queue: { topic: 'users', key: 'id' } },
})
contract('a.A', {
  // @ts-expect-error -- notfound is no error code
  get: { input: Id, output: Id, errors: ['notfound'] },
})
contract('a.A', {
  // @ts-expect-error -- an operation has an output
  get: { input: Id },
})
contract('a.A', {
  // @ts-expect-error -- a plain object is no schema
  get: { input: { type: 'object' }, output: Id },
})
contract('a.A', {
  // @ts-expect-error -- no such access rule
  get: { input: Id, output: Id, access: 'members' },
})

// @ts-expect-error -- the key of an event is no field of its payload
event('created', { key: 'id', payload: Id })
// @ts-expect-error -- nor is it one of a Zod payload
event('created', { key: 'id', payload: ZodId })
