import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { type Contract, contract, contractInfo } from '@tenon/core/contract'
import type { Logger } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { type ProtoService, toProtoService } from '../service/proto-service.ts'
import { mountReflection } from './reflection-service.ts'

const shop = contract('demo.v1.Shop', {
  getItem: { input: Type.Object({ sku: Type.String() }), output: Type.Object({ tags: Type.Array(Type.Object({})) }) },
})
const versions = ['v1', 'v1alpha']
const same = (bytes: Buffer): Buffer => bytes

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

async function start({ log = silent, ...changed }: Partial<ProtoService> & { readonly log?: Logger } = {}) {
  const server = new Server({ 'grpc.enable_channelz': 0 })
  mountReflection(server, [{ ...toProtoService(contractInfo(shop as Contract)), ...changed }], log)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, found) =>
      error ? reject(error) : resolve(found),
    )
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  /** What is answered to a stream of questions, and the status it ends with. */
  const ask = async (version: string, ...questions: readonly Buffer[]) => {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
    const call = client.makeBidiStreamRequest(path, same, same).on('error', () => undefined)
    const answers: Map<number, Uint8Array>[] = []
    call.on('data', (answer: Buffer) => answers.push(fieldsOf(answer)))
    for (const question of questions) call.write(question)
    call.end()
    return new Promise<{ answers: typeof answers; code: number; details: string }>((resolve) => {
      call.once('status', ({ code, details }) => resolve({ answers, code, details }))
    })
  }
  return {
    ask,
    [Symbol.asyncDispose]: async () => {
      client.close()
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
    },
  }
}

const question = (field: number, value: string) =>
  Buffer.from(
    new BinaryWriter()
      .uint32((field << 3) | 2)
      .string(value)
      .finish(),
  )

/** The last value of each field that has a length. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, Uint8Array>()
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (wireType === 2) fields.set(field, reader.bytes())
    else reader.skip(wireType, field)
  }
  return fields
}

const fileIn = (answer: Map<number, Uint8Array> | undefined) =>
  fromBinary(FileDescriptorProtoSchema, fieldsOf(answer?.get(4) ?? new Uint8Array()).get(1) ?? new Uint8Array())

test.each(versions)('%s lists the services that it can describe', async (version) => {
  await using demo = await start()
  const { answers, code } = await demo.ask(version, question(7, ''))
  const list = Buffer.from(answers[0]?.get(6) ?? []).toString('latin1')
  expect(code).toBe(status.OK)
  for (const name of ['demo.v1.Shop', 'grpc.health.v1.Health']) expect(list).toContain(name)
  expect(list).not.toContain('grpc.reflection')
})

test.each(versions)('%s finds files by name and by whatever they declare', async (version) => {
  await using demo = await start()
  const symbols = ['Shop', 'Shop.GetItem', 'GetItemRequest', 'GetItemRequest.sku', 'GetItemResponse.Tags']
  const { answers } = await demo.ask(
    version,
    question(3, 'demo/v1/shop.proto'),
    ...symbols.map((symbol) => question(4, `demo.v1.${symbol}`)),
  )
  expect(answers.map((answer) => fileIn(answer).name)).toEqual(Array<string>(6).fill('demo/v1/shop.proto'))
  expect(createFileRegistry(fileIn(answers[0]), () => undefined).getService('demo.v1.Shop')?.methods).toHaveLength(1)
})

/** The code and the text of an answer that is an error. */
function errorIn(answer: Map<number, Uint8Array> | undefined) {
  const reader = new BinaryReader(answer?.get(7) ?? new Uint8Array())
  reader.tag()
  const code = reader.int32()
  reader.tag()
  return { code, text: reader.string() }
}

test.each(versions)('%s finds nothing of what is not known, and the stream goes on', async (version) => {
  await using demo = await start()
  const asked = [question(3, 'lost.proto'), question(4, 'demo.v1.Lost'), question(4, 'demo.v1.Shop')]
  const { answers, code } = await demo.ask(version, ...asked)
  expect([answers.map((answer) => answer.has(7)), code]).toEqual([[true, true, false], status.OK])
  expect(errorIn(answers[0])).toEqual({ code: status.NOT_FOUND, text: 'nothing is known of lost.proto' })
  expect(answers.map((answer) => Buffer.from(answer.get(2) ?? []))).toEqual(asked)
})

test.each(versions)('%s says that it does not tell of extensions, and the stream goes on', async (version) => {
  await using demo = await start()
  const { answers, code } = await demo.ask(
    version,
    question(5, '\n\u0001a'),
    question(6, 'demo.v1.Shop'),
    question(7, ''),
  )
  expect(answers.slice(0, 2).map((answer) => errorIn(answer).code)).toEqual(Array(2).fill(status.UNIMPLEMENTED))
  expect([answers[2]?.has(6), code]).toEqual([true, status.OK])
})

test.each(versions)('%s shows 32 readable characters of what it does not know', async (version) => {
  await using demo = await start()
  const { answers } = await demo.ask(version, question(4, `\u0000${'é'.repeat(400)}`))
  expect(errorIn(answers[0]).text).toBe(`nothing is known of ${'?'.repeat(32)}…`)
})

test.each(versions)('%s takes no question beyond a kilobyte', async (version) => {
  await using demo = await start()
  const { answers, code } = await demo.ask(version, question(7, ''), question(4, 'a'.repeat(2_000)), question(7, ''))
  expect([answers.length, code]).toEqual([1, status.RESOURCE_EXHAUSTED])
})

const noQuestions = { garbage: Buffer.from([0xff]), nothing: Buffer.alloc(0), 'another field': question(8, 'a') }

test.each(
  versions.flatMap((version) => Object.entries(noQuestions).map(([what, bytes]) => [version, what, bytes] as const)),
)('%s ends the stream where it is asked no question: %s', async (version, _what, bytes) => {
  await using demo = await start()
  const { answers, code } = await demo.ask(version, question(7, ''), bytes, question(7, ''))
  expect([answers.length, code]).toEqual([1, status.INVALID_ARGUMENT])
})

/** A call that holds what is written to it until it is let go. */
class HeldCall extends Duplex {
  readonly held: (() => void)[] = []
  readonly cancelled = false

  constructor() {
    super({ objectMode: true, writableHighWaterMark: 4 })
  }

  override _read() {}

  override _write(_answer: Buffer, _encoding: string, done: () => void) {
    this.held.push(done)
  }
}

test('questions are answered no faster than the caller reads, those too that have arrived', async () => {
  let handle: ((call: HeldCall) => void) | undefined
  const server = {
    addService: (_methods: object, { ServerReflectionInfo }: { ServerReflectionInfo: typeof handle }) =>
      void (handle = ServerReflectionInfo),
  }
  const loaded = Promise.withResolvers<[]>()
  const service = { ...toProtoService(contractInfo(shop as Contract)), loadFiles: () => loaded.promise }
  mountReflection(server as unknown as Server, [service], silent)
  const call = new HeldCall()
  handle?.(call)
  for (let index = 0; index < 50; index += 1) call.push(question(7, ''))
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  call.on('data', () => call.readableLength === 0 && resolve())
  await asked
  loaded.resolve([])
  let answerCount = 0
  while (answerCount < 50) {
    await setImmediate()
    expect(call.writableLength).toBeLessThanOrEqual(4)
    expect(call.listenerCount('drain')).toBeLessThanOrEqual(1)
    for (const done of call.held.splice(0)) {
      answerCount += 1
      done()
    }
  }
  expect(call.isPaused()).toBe(false)
})

test('questions whose answers cannot be made end as internal, and the log says once why', async () => {
  const logged: unknown[] = []
  const log: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (fields, message) => void logged.push([fields, message]),
    child: () => log,
  }
  const cause = new Error('the files are gone')
  await using demo = await start({ log, loadFiles: () => Promise.reject(cause) })
  for (const version of versions) {
    const { answers, code, details } = await demo.ask(version, question(7, ''))
    expect({ answers, code, details }).toEqual({
      answers: [],
      code: status.INTERNAL,
      details: 'an internal error occurred',
    })
  }
  expect(logged).toEqual([[{ err: cause }, 'reflection cannot describe the services']])
})
