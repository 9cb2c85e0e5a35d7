import { clientOf, connectionsOf, defineHandler, defineService, inject, remote } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import type { Client, ClientTransport } from '@tenon/core/client'
import { ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { fakeRemote, type RemoteMethods } from './fake-remote.ts'
import { testService } from './test-service.ts'

const Name = Type.Object({ name: Type.String({ minLength: 1 }) })
const names = contract('demo.v1.Names', {
  check: { input: Name, output: Name },
  list: { input: Type.Object({}), output: stream(Name) },
  join: { input: stream(Name), output: Name },
  echo: { input: stream(Name), output: stream(Name) },
})
const asker = contract('demo.v1.Asker', {
  ask: { input: Type.Object({ name: Type.String() }), output: Name },
  list: { input: Type.Object({}), output: stream(Name) },
  join: { input: Type.Object({}), output: Name },
  echo: { input: Type.Object({}), output: stream(Name) },
})

const unreachable: ClientTransport = {
  name: 'none',
  open: () => {
    throw new Error('the real remote was opened')
  },
}

const service = defineService({
  name: 'asker',
  version: '1.0.0',
  callTimeoutMs: 1_000,
  remotes: () => [remote(names, { via: unreachable, at: 'static:///127.0.0.1:1' })],
  handlers: [
    defineHandler(asker, () => {
      const client = inject(clientOf(names))
      return {
        ask: async ({ name }) => client.check({ name }),
        list: () => client.list({}),
        join: async () => client.join([{ name: 'a' }, { name: 'b' }]),
        echo: () => client.echo([{ name: 'a' }, { name: 'b' }]),
      }
    }),
  ],
})

function ask(methods: RemoteMethods<typeof names>, clock: 'real' | 'fake' = 'real') {
  return testService(service, { overrides: [fakeRemote(names, methods)], clock })
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

test('answers calls of every kind in the place of the real one, which is never opened', async () => {
  const seen: unknown[] = []
  await using tested = await ask({
    check: ({ name }, { metadata, timeoutMs }) => {
      seen.push(metadata['x-request-id'], timeoutMs !== undefined && timeoutMs <= 1_000)
      return { name: `${name}!` }
    },
    async *list() {
      yield { name: 'a' }
      yield { name: 'b' }
    },
    join: async (items) => ({ name: (await collect(items)).map(({ name }) => name).join('+') }),
    async *echo(items) {
      for await (const { name } of items) yield { name: `${name}!` }
    },
  })
  const options = { metadata: { 'x-request-id': 'r-1' } }
  expect(await tested.call(asker.ask, { name: 'a' }, options)).toEqual({ name: 'a!' })
  expect(seen).toEqual(['r-1', true])
  expect(await collect(tested.call(asker.list, {}))).toEqual([{ name: 'a' }, { name: 'b' }])
  expect(await tested.call(asker.join, {})).toEqual({ name: 'a+b' })
  expect(await collect(tested.call(asker.echo, {}))).toEqual([{ name: 'a!' }, { name: 'b!' }])
})

test.each([
  ['unavailable', 'unavailable'],
  ['permission_denied', 'internal'],
] as const)('an error is one of the remote: %s becomes %s', async (code, told) => {
  await using tested = await ask({
    check: () => {
      throw new ServiceError(code, 'no')
    },
  })
  await expect(tested.call(asker.ask, { name: 'a' })).rejects.toMatchObject({ code: told })
})

test('a foreign exception, an operation without a method and an output that does not fit are internal', async () => {
  await using tested = await ask({
    check: () => {
      throw new TypeError('lost')
    },
    join: () => ({ name: '' }),
  })
  await expect(tested.call(asker.ask, { name: 'a' })).rejects.toMatchObject({ code: 'internal' })
  await expect(tested.call(asker.join, {})).rejects.toMatchObject({ code: 'internal' })
  await expect(collect(tested.call(asker.list, {}))).rejects.toMatchObject({
    code: 'internal',
    cause: { code: 'unimplemented', message: 'the fake of demo.v1.Names has no list' },
  })
})

test('a method is not asked for an input that does not fit', async () => {
  await using tested = await ask({ check: () => expect.unreachable() })
  await expect(tested.call(asker.ask, { name: '' })).rejects.toMatchObject({ code: 'internal' })
})

test('the deadline ends a call that is not answered', async () => {
  await using tested = await ask({ check: () => new Promise(() => undefined) }, 'fake')
  const failed = expect(tested.call(asker.ask, { name: 'a' })).rejects.toMatchObject({ code: 'deadline_exceeded' })
  await tested.clock.advance(1_000)
  await failed
})

test('a caller that leaves ends the call of the remote too', async () => {
  const closed = Promise.withResolvers<void>()
  await using tested = await ask({
    async *list() {
      try {
        for (;;) yield { name: 'a' }
      } finally {
        closed.resolve()
      }
    },
  })
  for await (const _item of tested.call(asker.list, {})) break
  await closed.promise
})

test('a method may say something before and behind its output', async () => {
  const fake = fakeRemote(names, {
    check: async ({ name }, { onHeaders, onTrailers }) => {
      onHeaders?.({ 'x-from': 'a' })
      onTrailers?.({ 'x-cost': '1' })
      return { name }
    },
  })
  const client = fake.create() as Client<typeof names>
  const told: unknown[] = []
  const listener = (metadata: unknown) => void told.push(metadata)
  expect(await client.check({ name: 'a' }, { onHeaders: listener, onTrailers: listener })).toEqual({ name: 'a' })
  expect(told).toEqual([{ 'x-from': 'a' }, { 'x-cost': '1' }])
  expect(connectionsOf(client)).toEqual([])
})
