import {
  type Call,
  Consumes,
  defineHandler,
  defineService,
  event,
  fault,
  Handles,
  Implements,
  type Input,
  inject,
  integer,
  list,
  type Payload,
  port,
  provide,
  Publisher,
  secret,
  ServiceError,
  text,
  token,
} from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import type { ConfigSource } from '@tenon/core/registry'
import { memoryDriver, queueTransport } from '@tenon/transport-queue'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { Type } from 'typebox'
import { expect, expectTypeOf, test, vi } from 'vitest'
import { z } from 'zod'
import { override } from './override.ts'
import { testService } from './test-service.ts'

const Name = Type.String({ minLength: 1 })
const noted = event('demo.noted.v1', { key: 'name', payload: Type.Object({ name: Name }) })
const notes = contract('demo.v1.Notes', {
  addNote: {
    input: Type.Object({ name: Name }),
    output: Type.Object({ name: Name, count: Type.Integer() }),
    errors: ['already_exists'],
    http: 'POST /v1/notes',
    queue: { topic: 'demo.add.v1', key: 'name' },
  },
  noteTime: {
    input: Type.Object({}),
    output: z.object({ at: z.string().transform((at) => new Date(at)) }),
    http: 'GET /v1/notes:time',
  },
  clearNotes: { input: Type.Object({}), output: Type.Object({}), access: { roles: ['admin'] } },
  waitForNote: { input: Type.Object({}), output: Type.Object({}), timeoutMs: 5_000 },
  watchNotes: { input: Type.Object({}), output: stream(Type.Object({ name: Name })) },
})
const other = contract('demo.v1.Other', { act: { input: Type.Object({}), output: Type.Object({}) } })

/** What the service is made of, and what was really created of it. */
const created: string[] = []

abstract class Store {
  abstract add(name: string): Promise<number>
  abstract names(): readonly string[]
}

class SqlStore extends Store {
  readonly #names: string[] = []

  async add(name: string): Promise<number> {
    return this.#names.push(name)
  }

  names(): readonly string[] {
    return this.#names
  }
}

const Db = token<{ readonly url: string }>('Db')
const Salt = token<{ readonly reveal: () => string }>('Salt')

@Handles(notes)
class NoteHandler {
  readonly #store = inject(Store)
  readonly #publisher = inject(Publisher)

  @Implements(notes.addNote)
  async addNote({ name }: Input<typeof notes.addNote>, call: Call) {
    call.log.info({ name }, 'a note comes')
    if (this.#store.names().includes(name)) throw fault(notes.addNote, 'already_exists', `${name} is there`)
    const count = await this.#store.add(name)
    await this.#publisher.publish(noted, { name }, { headers: { 'X-Source': 'test' } })
    call.setHeader('x-note-count', String(count))
    return { name, count }
  }

  @Implements(notes.noteTime)
  async noteTime() {
    return { at: '2026-01-02T03:04:05.000Z' }
  }

  @Implements(notes.clearNotes)
  async clearNotes() {
    return {}
  }

  @Implements(notes.waitForNote)
  async waitForNote() {
    return new Promise<object>(() => undefined)
  }

  @Implements(notes.watchNotes)
  async *watchNotes(_input: object, { signal }: Call) {
    for (const name of this.#store.names()) yield { name }
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }

  @Consumes(noted)
  async onNoted({ name }: Payload<typeof noted>, { attempt }: Call): Promise<void> {
    if (name === 'poison' && attempt < 3) throw new ServiceError('unavailable', 'not now')
    await this.#store.add(`noted ${name}`)
  }
}

const service = defineService({
  name: 'notes',
  version: '1.0.0',
  config: {
    httpPort: port('HTTP_PORT'),
    databaseUrl: text('DATABASE_URL'),
    brokers: list('BROKERS', []),
    salt: secret(text('SALT', 'pepper')),
  },
  shutdownTimeoutMs: 1_000,
  authenticate: ({ metadata }) => (metadata['authorization'] === 'me' ? { id: 'me', roles: ['admin'] } : undefined),
  defaultAccess: 'public',
  handlers: [NoteHandler],
  providers: ({ databaseUrl, salt }) => [
    provide(Db, { create: () => (created.push('db'), { url: databaseUrl }) }),
    provide(Salt, { create: () => salt }),
    provide(Store, { needs: [Db], create: () => (created.push('store'), new SqlStore()) }),
  ],
  transports: ({ httpPort }) => {
    created.push('transports')
    return [httpTransport({ port: httpPort }), grpcTransport(), queueTransport({ driver: memoryDriver() })]
  },
})

const config = { httpPort: 1, databaseUrl: 'db:' }

test('a call goes through the whole pipeline and gives its output, or throws its error', async () => {
  await using tested = await testService(service, { config })
  const note = await tested.call(notes.addNote, { name: 'tea' })
  expectTypeOf(note).toEqualTypeOf<{ name: string; count: number }>()
  expect(note).toEqual({ name: 'tea', count: 1 })
  await expect(tested.call(notes.addNote, { name: 'tea' })).rejects.toMatchObject({ code: 'already_exists' })
  await expect(tested.call(notes.addNote, { name: '' })).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { violations: [{ field: '/name' }] },
  })
  await expect(tested.call(other.act, {})).rejects.toMatchObject({ code: 'unimplemented' })
})

test('the output is read as a client reads it', async () => {
  await using tested = await testService(service, { config })
  expect((await tested.call(notes.noteTime, {})).at).toEqual(new Date('2026-01-02T03:04:05Z'))
})

test('the outcome also tells headers and the call id', async () => {
  await using tested = await testService(service, { config })
  const outcome = await tested.outcome(notes.addNote, { name: 'tea' }, { metadata: { 'x-request-id': 'r-1' } })
  expect(outcome).toMatchObject({ ok: true, value: { count: 1 }, headers: { 'x-note-count': '1' }, callId: 'r-1' })
})

test('a principal stands in for the credential, and the access rules count', async () => {
  await using tested = await testService(service, { config })
  const clear = (options: object) => tested.call(notes.clearNotes, {}, options)
  await expect(clear({})).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(clear({ principal: { id: 'ada', roles: ['guest'] } })).rejects.toMatchObject({
    code: 'permission_denied',
  })
  expect(await clear({ principal: { id: 'ada', roles: ['admin'] } })).toEqual({})
  expect(await clear({ metadata: { authorization: 'me' } })).toEqual({})
})

test('nothing of the service listens, and what an override replaces is not created', async () => {
  created.splice(0)
  const added: string[] = []
  await using tested = await testService(service, {
    config,
    overrides: [override(Store, { names: () => [], add: async (name) => added.push(name) })],
  })
  await tested.call(notes.addNote, { name: 'tea' })
  expect({ added, created, addresses: tested.addresses }).toEqual({ added: ['tea'], created: [], addresses: [] })
})

test('an override may be a provider, which is created and disposed like any other', async () => {
  const life: string[] = []
  {
    await using tested = await testService(service, {
      config,
      overrides: [
        provide(Store, { create: () => (life.push('created'), new SqlStore()), dispose: () => life.push('disposed') }),
      ],
    })
    expect(await tested.call(notes.addNote, { name: 'tea' })).toMatchObject({ count: 1 })
  }
  expect(life).toEqual(['created', 'disposed'])
})

test('settings come from the object, then from the variables given, never from the process', async () => {
  vi.stubEnv('DATABASE_URL', 'from the process')
  try {
    const seen: string[] = []
    const spy = provide(Db, { create: () => ({ url: 'x' }) })
    await using tested = await testService(service, {
      config: { httpPort: 1, salt: 'sea' },
      environment: { DATABASE_URL: 'from the test' },
      overrides: [spy, provide(Store, { needs: [Salt], create: (salt) => (seen.push(salt.reveal()), new SqlStore()) })],
    })
    expect(tested.addresses).toEqual([])
    expect(seen).toEqual(['sea'])
    await tested.stop()
    await expect(testService(service, { config: { httpPort: 1 } })).rejects.toThrow('DATABASE_URL')
  } finally {
    vi.unstubAllEnvs()
  }
})

test('tells what its handlers published, in order and by type', async () => {
  await using tested = await testService(service, { config })
  await tested.call(notes.addNote, { name: 'tea' }, { metadata: { 'x-tenant-id': 't' } })
  await tested.call(notes.addNote, { name: 'milk' })
  const [first, second] = tested.published(noted)
  expectTypeOf(first?.payload).toEqualTypeOf<{ name: string } | undefined>()
  expect(first).toMatchObject({ topic: 'demo.noted.v1', key: 'tea', payload: { name: 'tea' } })
  expect(first?.headers).toMatchObject({ 'x-tenant-id': 't', 'x-source': 'test' })
  expect(second?.payload).toEqual({ name: 'milk' })
  expect(tested.published()).toEqual([first, second])
  expect(tested.published(notes.addNote)).toEqual([])
})

test('a broker that is down fails what publishes, until it is up again', async () => {
  await using tested = await testService(service, { config })
  {
    using _outage = tested.brokerOutage()
    await expect(tested.call(notes.addNote, { name: 'tea' })).rejects.toMatchObject({ code: 'unavailable' })
  }
  await tested.call(notes.addNote, { name: 'milk' })
  expect(tested.published(noted).map(({ key }) => key)).toEqual(['milk'])
})

test('delivers events and commands, and tells what came of them', async () => {
  await using tested = await testService(service, { config })
  expect(await tested.publish(noted, { name: 'tea' })).toEqual({ ok: true, group: 'notes' })
  expect(await tested.publish(noted, { name: 'poison' })).toMatchObject({ ok: false, error: { code: 'unavailable' } })
  expect(await tested.publish(noted, { name: 'poison' }, { attempt: 3 })).toMatchObject({ ok: true })
  expect(await tested.send(notes.addNote, { name: 'tea' })).toEqual({ ok: true, group: 'notes' })
})

test('a stream is an iterable of items, typed by the operation', async () => {
  await using tested = await testService(service, { config })
  await tested.call(notes.addNote, { name: 'tea' })
  for await (const { name } of tested.call(notes.watchNotes, {})) {
    expect(name).toBe('tea')
    break
  }
  await expect(async () => {
    for await (const _item of tested.call(notes.watchNotes, {}, { timeoutMs: -1 })) continue
  }).rejects.toMatchObject({ code: 'deadline_exceeded' })
})

test('the end of the test ends calls that still run', async () => {
  let waiting: Promise<unknown> = Promise.resolve()
  {
    await using tested = await testService(service, { config })
    await tested.call(notes.addNote, { name: 'tea' })
    const items = tested.call(notes.watchNotes, {})
    await items.next()
    waiting = expect(items.next()).rejects.toMatchObject({ code: 'cancelled' })
  }
  await waiting
})

test('keeps the lines of the log, with what their loggers carry', async () => {
  const next: string[] = []
  const log = {
    debug() {},
    info: (_fields: object, message = '') => next.push(message),
    warn() {},
    error() {},
    child: () => log,
  }
  await using tested = await testService(service, { config, log })
  await tested.call(notes.addNote, { name: 'tea' }, { metadata: { 'x-request-id': 'r-1' } })
  const line = tested.log.find(({ message }) => message === 'a note comes')
  expect(line).toMatchObject({
    level: 'info',
    fields: { name: 'tea', callId: 'r-1', operation: 'demo.v1.Notes/addNote' },
  })
  expect(next).toContain('a note comes')
})

test('a fake clock drives deadlines', async () => {
  await using tested = await testService(service, { config, clock: 'fake' })
  const waiting = tested.call(notes.waitForNote, {})
  const failed = expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded' })
  await tested.clock.advance(4_999)
  expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits')
  await tested.clock.advance(1)
  await failed
})

test('asks for a fake clock before it is used, and for transports of its own before an address is', async () => {
  await using tested = await testService(service, { config })
  expect(() => tested.clock).toThrow("testService(service, { clock: 'fake' })")
  expect(() => tested.address('http')).toThrow(
    "no transport listens for http, only nothing: start with { transports: 'own' }",
  )
})

test('puts the real clock back when the start fails', async () => {
  const before = setTimeout
  await expect(testService(service, { clock: 'fake' })).rejects.toThrow('HTTP_PORT')
  expect(setTimeout).toBe(before)
})

test('its own transports listen on free ports, whatever the settings name', async () => {
  created.splice(0)
  const store = new SqlStore()
  await using tested = await testService(service, { config, transports: 'own', overrides: [override(Store, store)] })
  expect(created).toContain('transports')
  expect(tested.addresses.map(({ protocol }) => protocol).toSorted()).toEqual(['grpc', 'http'])
  const response = await fetch(`http://${tested.address('http')}/v1/notes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'tea' }),
  })
  expect(await response.json()).toEqual({ name: 'tea', count: 1 })
  expect(tested.published(noted)).toMatchObject([{ key: 'tea' }])
  // The queue is its own too, so the event comes back to the consumer.
  await tested.eventually(() => expect(store.names()).toEqual(['tea', 'noted tea']))
})

test('its own transports hide nothing that none of them carries', async () => {
  const lonely = defineService({
    name: 'lonely',
    version: '1.0.0',
    handlers: [defineHandler(other, () => ({ act: () => ({}) }))],
    transports: () => [httpTransport()],
  })
  await expect(testService(lonely, { transports: 'own' })).rejects.toThrow('is carried by no transport')
  await using tested = await testService(lonely)
  expect(await tested.call(other.act, {})).toEqual({})
})

test('works with the fake timers of vitest too', async () => {
  vi.useFakeTimers()
  try {
    const tested = await testService(service, { config })
    const waiting = tested.call(notes.waitForNote, {})
    const failed = expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await vi.advanceTimersByTimeAsync(5_000)
    await failed
    vi.useRealTimers()
    await tested[Symbol.asyncDispose]()
  } finally {
    vi.useRealTimers()
  }
})

test('a watched setting changes when the test says so, and no source of its own is asked', async () => {
  const seen: number[] = []
  const source: ConfigSource = { name: 'never asked', watch: () => expect.unreachable('a test asks no source') }
  const limited = defineService({
    name: 'limited',
    version: '1.0.0',
    config: { rateLimit: integer('RATE_LIMIT', 1) },
    configSources: () => [source],
    handlers: [],
    providers: (settings) => {
      settings.watch('rateLimit').onChange((limit) => seen.push(limit))
      return []
    },
  })
  await using tested = await testService(limited, { config: { rateLimit: 2 } })
  tested.changeSettings({ rateLimit: 5 })
  expect(seen).toEqual([5])
  // @ts-expect-error -- there is no such setting
  expect(() => tested.changeSettings({ limit: 5 })).toThrow('found limit')
})

test('takes sources of settings that it is given', async () => {
  async function* watch() {
    yield { DATABASE_URL: 'from the source' }
  }
  const source: ConfigSource = { name: 'given', watch }
  const spy = provide(Db, { create: () => ({ url: 'x' }) })
  await using tested = await testService(service, {
    config: { httpPort: 1 },
    configSources: [source],
    overrides: [spy],
  })
  expect(tested.addresses).toEqual([])
})
