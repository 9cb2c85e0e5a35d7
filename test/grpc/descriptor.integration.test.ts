import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'
import { type AnyContract, bytes, contract, contractInfo, int64, stream, timestamp, uint64 } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { protoOf } from '@tenon/transport-grpc'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lockService } from '../../packages/transport-grpc/src/lock/lock-service.ts'
import { toFileDescriptor } from '../../packages/transport-grpc/src/proto/file-descriptor.ts'
import { runTool, toolAbsence } from '../support/tool.ts'
import { contractOf } from './lock-corpus/change.ts'
import { changes } from './lock-corpus/index.ts'
import { replay } from './lock-corpus/replay.ts'

const absence = toolAbsence('buf')
const timeoutMs = 60_000

/** A contract, and the text of its lock. */
interface Locked {
  readonly name: string
  readonly contract: AnyContract
  readonly lock: string
}

const Shape = Type.Union([
  Type.Object({ kind: Type.Literal('circle'), size: Type.Integer({ minimum: 0, maximum: 9 }) }),
  Type.Object({ kind: Type.Literal('square'), side: Type.Number({ description: 'In metres.', deprecated: true }) }),
])
const Node = Type.Cyclic({ Node: Type.Object({ name: Type.String(), parts: Type.Array(Type.Ref('Node')) }) }, 'Node')
const Note = Type.Union([Type.String(), Type.Null()])

/** Every form that a schema may have. */
const forms = contract('forms.v1.FormService', {
  echo: {
    input: Type.Object({
      note: Note,
      memo: Type.Optional(Note),
      notes: Type.Array(Note),
      tags: Type.Union([Type.Array(Type.String()), Type.Null()]),
      choice: Type.Union([Type.Literal('in-transit'), Type.Literal('done')]),
      choices: Type.Array(Type.Union([Type.Literal('a'), Type.Literal('b')])),
      shape: Shape,
      shapes: Type.Record(Type.String(), Shape),
      rows: Type.Array(Type.Array(Type.Integer({ minimum: 0, maximum: 9 }))),
      counts: Type.Record(Type.String(), Type.Record(Type.String(), Type.Integer())),
      tree: Node,
      again: Node,
      pair: Type.Tuple([Type.String(), Type.Integer()]),
      any: Type.Unknown(),
      at: timestamp(),
      long: int64(),
      unsigned: uint64(),
      data: bytes(),
      isOdd: Type.Boolean(),
      URLPath: Type.String(),
    }),
    output: stream(Shape),
    deprecated: true,
    summary: 'Says it again.',
  },
  list: { input: stream(Type.Object({})), output: Type.Array(Type.String()) },
})

/** What every lock of the corpus of changes comes to, and one with every form. */
const all: readonly Locked[] = [
  { name: 'every form', contract: forms, lock: protoOf(forms) },
  ...changes.flatMap((change, index): readonly Locked[] => {
    const owner = `change${index + 1}.v1`
    const { merged } = replay(change, owner)
    if (merged === undefined) return []
    return [
      {
        name: change.name,
        contract: contractOf(`${owner}.${change.renamedTo ?? 'UserService'}`, change.after),
        lock: merged,
      },
    ]
  }),
]

describe.skipIf(absence !== undefined)(
  `what reflection tells of a contract is what buf makes of its .proto file${absence === undefined ? '' : ` (${absence})`}`,
  () => {
    let folder = ''
    let built: readonly FileDescriptorProto[] = []

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tenon-descriptor-'))
      for (const { contract, lock } of all) await put(join(folder, pathOf(contract)), lock)
      const { code, output } = await runTool(['buf', 'build', '--output', 'set.binpb'], {
        folder,
        signal: AbortSignal.timeout(timeoutMs),
      })
      expect(code, output).toBe(0)
      built = fromBinary(FileDescriptorSetSchema, await readFile(join(folder, 'set.binpb'))).file
    }, timeoutMs)

    afterAll(() => rm(folder, { recursive: true, force: true }))

    test.each(all)('$name', ({ contract, lock }) => {
      const { shape } = lockService(contractInfo(contract), { text: lock, where: 'the lock' })
      const file = built.find(({ name }) => name === pathOf(contract))
      expect(factsOf(toFileDescriptor(shape))).toEqual(file && factsOf(file))
    })
  },
)

const pathOf = (contract: AnyContract) => `${contractInfo(contract).name.replaceAll('.', '/')}.proto`

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

/** What a file declares, whatever the order. Comments, options of the file and what is reserved reflection does not tell. */
function factsOf({ package: owner, syntax, dependency, messageType, enumType, service }: FileDescriptorProto) {
  return {
    owner,
    syntax,
    dependency: dependency.toSorted(),
    messages: byName(messageType, messageFacts),
    enums: byName(enumType, enumFacts),
    services: byName(service, ({ method }) =>
      byName(method, ({ inputType, outputType, clientStreaming, serverStreaming, options }) => ({
        inputType,
        outputType,
        streams: [clientStreaming, serverStreaming],
        isDeprecated: options?.deprecated ?? false,
      })),
    ),
  }
}

function messageFacts({ field, nestedType, enumType, oneofDecl, options }: DescriptorProto): object {
  return {
    fields: byName(field, (one) => fieldFacts(one, oneofDecl[one.oneofIndex]?.name)),
    oneofs: oneofDecl.map(({ name }) => name).toSorted(),
    messages: byName(nestedType, messageFacts),
    enums: byName(enumType, enumFacts),
    isEntry: options?.mapEntry ?? false,
  }
}

function fieldFacts(field: FieldDescriptorProto, oneof: string | undefined): object {
  const { number, label, type, typeName, jsonName, proto3Optional, options } = field
  // A field outside of any oneof says 0 as well.
  const isMember = Object.hasOwn(field, 'oneofIndex')
  return {
    number,
    label,
    type,
    typeName,
    jsonName,
    proto3Optional,
    isDeprecated: options?.deprecated ?? false,
    oneof: isMember ? oneof : undefined,
  }
}

function enumFacts({ value }: EnumDescriptorProto): object {
  return byName(value, ({ number }) => number)
}

function byName<T extends { readonly name: string }>(
  items: readonly T[],
  toFacts: (item: T) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(items.map((item) => [item.name, toFacts(item)]))
}
