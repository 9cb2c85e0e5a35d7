import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { protoOf } from '@tenon/transport-grpc'
import { protobufFormat } from '@tenon/transport-grpc/format'
import { memoryBroker, memoryDriver } from '@tenon/transport-queue'
import { describe, expect, test } from 'vitest'
import { runTool, toolAbsence } from '../support/tool.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { asProtobuf, consumerOf, publisherOf, serviceOf, storedFile } from './stored-file.ts'

const absence = toolAbsence('buf')
const formats = { formats: [protobufFormat()] }
const environment = { LOG_LEVEL: 'silent' }
const message = 'shop.file.stored.v1.Stored'

/** As ProtoJSON has it; what is null is absent. @see Protocol Buffers, ProtoJSON format */
const inProtoJson = {
  fileId: 'f1',
  size: '-9223372036854775808',
  free: '18446744073709551615',
  storedAt: '2026-01-31T12:00:00.123456789Z',
  data: 'AH//',
  owners: { ada: '4611686018427387904' },
  parts: [{ name: 'head', size: '4503599627370496', ratio: 0.1 }],
}

/** A folder with the event's `.proto` file, as buf wants it. */
async function moduleFolder(): Promise<string> {
  const folder = await temporaryFolder()
  const path = join(folder, 'shop/file/stored/v1/stored.proto')
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, protoOf(asProtobuf))
  await writeFile(join(folder, 'buf.yaml'), 'version: v2\nlint:\n  use:\n    - STANDARD\n')
  return folder
}

async function buf(folder: string, signal: AbortSignal, ...args: readonly string[]): Promise<string> {
  const { code, output } = await runTool(['buf', ...args], { folder, signal })
  expect(code, output).toBe(0)
  return output
}

describe.skipIf(absence)(`others who have the event's .proto file${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('find nothing in it that linters would change', { timeout: 60_000 }, async ({ signal }) => {
    const folder = await moduleFolder()
    await buf(folder, signal, 'lint')
    await buf(folder, signal, 'format', '--diff', '--exit-code')
  })

  test('read what is published', { timeout: 60_000 }, async ({ signal }) => {
    const folder = await moduleFolder()
    const broker = memoryBroker()
    const sender = publisherOf()
    await using _sender = await serviceOf('sender', [sender.handler], broker, formats).start({ environment })
    await sender.get().publish(asProtobuf, storedFile)
    const [record] = broker.records(asProtobuf.topic)
    await writeFile(join(folder, 'record.binpb'), record?.value ?? '')
    const output = await buf(
      folder,
      signal,
      'convert',
      '.',
      '--type',
      message,
      '--from',
      'record.binpb',
      '--to',
      '-#format=json',
    )
    expect(JSON.parse(output)).toEqual(inProtoJson)
  })

  test('write what is consumed', { timeout: 60_000 }, async ({ signal }) => {
    const folder = await moduleFolder()
    const broker = memoryBroker()
    const consumer = consumerOf(asProtobuf, 'audit')
    await using _audit = await serviceOf('audit', [consumer.handler], broker, formats).start({ environment })
    await writeFile(join(folder, 'record.json'), JSON.stringify(inProtoJson))
    await buf(folder, signal, 'convert', '.', '--type', message, '--from', 'record.json', '--to', 'record.binpb')
    const value = await readFile(join(folder, 'record.binpb'))
    const headers = [['content-type', Buffer.from('application/x-protobuf')]] as const
    const record = { topic: asProtobuf.topic, key: Buffer.from('f1'), value, headers }
    await memoryDriver({ broker }).produce([record], { timeoutMs: 1_000 })
    expect(await consumer.next()).toEqual(storedFile)
  })
})
