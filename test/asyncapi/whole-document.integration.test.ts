import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bytes, contract, event, int64, timestamp, uint64 } from '@tenon/core/contract'
import { protobufFormat } from '@tenon/transport-grpc/format'
import { asyncapi } from '@tenon/transport-queue'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runTool, toolAbsence } from '../support/tool.ts'
import { temporaryFolder } from '../support/own-process.ts'

const absence = toolAbsence('asyncapi-check')

const Node = Type.Object({ name: Type.String(), next: Type.Optional(Type.Ref('Node')) })
const Part = Type.Object(
  {
    kind: Type.Union([Type.Literal('disk'), Type.Literal('tape')]),
    place: Type.Tuple([Type.Integer(), Type.String()]),
    sizes: Type.Record(Type.String(), uint64()),
    chain: Type.Cyclic({ Node }, 'Node'),
  },
  { title: 'Part', additionalProperties: false },
)
const Stored = Type.Object({
  fileId: Type.String({ format: 'uuid', description: 'Chosen by who stores it.' }),
  size: int64({ minimum: 0n }),
  storedAt: timestamp(),
  data: bytes({ maxLength: 16, mediaType: 'image/png' }),
  parts: Type.Array(Part),
  best: Type.Union([Part, Type.Null()]),
})

const files = contract('shop.file.v1.FileService', {
  store: {
    summary: 'Stores a file.',
    description: 'A longer text, with *marks*.',
    input: Stored,
    output: Type.Object({}),
    queue: { topic: 'shop.file.store.v1', key: 'fileId' },
    tags: ['files', 'writing'],
    deprecated: { at: '2026-01-01T00:00:00Z', sunset: '2030-01-01T00:00:00Z', link: 'https://shop.example.com/files' },
  },
  drop: {
    input: z.object({ fileId: z.uuid(), tags: z.tuple([z.string()], z.number()).optional() }),
    output: z.object({}),
    queue: { topic: 'shop.file.drop.v1', key: 'fileId', group: 'cleaner' },
    examples: [{ name: 'one', summary: 'One file.', input: { fileId: '7d444840-9dc0-11d1-b245-5ffdce74fad2' } }],
  },
})
const stored = event('shop.file.stored.v1', { key: 'fileId', payload: Stored, format: 'protobuf', deprecated: true })
const cleaned = event('shop.file.cleaned-up.v1', { key: 'fileId', payload: Type.Object({ fileId: Type.String() }) })

/** A document for everything that one has a word for. */
const document = asyncapi([files, stored, cleaned], {
  title: 'Files',
  version: '1.2.3',
  description: 'What is stored.',
  termsOfService: 'https://shop.example.com/terms',
  contact: { name: 'The shop', url: 'https://shop.example.com', email: 'api@shop.example.com' },
  license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT' },
  tags: [{ name: 'files', description: 'What is kept.' }],
  formats: [protobufFormat()],
  servers: {
    plain: { host: '127.0.0.1:9092', protocolVersion: '4.1' },
    live: {
      host: 'kafka.example.com:9093',
      protocol: 'kafka-secure',
      description: 'Live.',
      security: ['scram', 'oauth', 'x509'],
    },
  },
  securitySchemes: {
    scram: { type: 'scramSha512', description: 'A user for each service.' },
    x509: { type: 'X509' },
    oauth: {
      type: 'oauth2',
      flows: {
        clientCredentials: { tokenUrl: 'https://id.example.com/token', availableScopes: { queue: 'All topics.' } },
      },
    },
  },
})

/** What the parser of AsyncAPI says of a document; that a later version exists is no fault. */
async function complaintsOf(path: string, signal: AbortSignal) {
  const { code, output } = await runTool(['asyncapi-check', path], { folder: '.', signal })
  const lines = output.split('\n').filter((line) => line !== '' && !line.includes('asyncapi-latest-version'))
  return { code, lines }
}

describe.skipIf(absence)(`AsyncAPI documents are valid${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('one with all there is', { timeout: 60_000 }, async ({ signal }) => {
    const path = join(await temporaryFolder(), 'asyncapi.json')
    await writeFile(path, JSON.stringify(document))
    expect(await complaintsOf(path, signal)).toEqual({ code: 0, lines: [`${path}: AsyncAPI 3.0.0, valid`] })
  })

  test.each(['user', 'order'])('that of the example (%s)', { timeout: 60_000 }, async (service) => {
    const path = fileURLToPath(new URL(`../../examples/user-order/${service}/asyncapi.json`, import.meta.url))
    const signal = AbortSignal.timeout(55_000)
    expect(await complaintsOf(path, signal)).toEqual({ code: 0, lines: [`${path}: AsyncAPI 3.0.0, valid`] })
  })

  test('and the parser would say so if one were not', { timeout: 60_000 }, async ({ signal }) => {
    const path = join(await temporaryFolder(), 'asyncapi.json')
    const [topic = ''] = Object.keys(document.channels)
    const { [topic]: _gone, ...channels } = document.channels
    await writeFile(path, JSON.stringify({ ...document, channels }))
    expect((await complaintsOf(path, signal)).code).toBe(1)
  })
})
