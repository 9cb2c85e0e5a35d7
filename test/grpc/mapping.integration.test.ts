import { defineHandler, defineService } from '@tenon/core'
import { contract, timestamp } from '@tenon/core/contract'
import { grpcTransport } from '@tenon/transport-grpc'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { runTool, toolAbsence } from '../support/tool.ts'

const absence = toolAbsence('grpcurl')

const Shape = Type.Union([
  Type.Object({ kind: Type.Literal('circle'), size: Type.Integer({ minimum: 0, maximum: 9 }) }),
  Type.Object({ kind: Type.Literal('square'), side: Type.Number() }),
])
const Node = Type.Cyclic({ Node: Type.Object({ name: Type.String(), parts: Type.Array(Type.Ref('Node')) }) }, 'Node')
const Note = Type.Union([Type.String(), Type.Null()])
const All = Type.Object({
  note: Note,
  memo: Type.Optional(Note),
  notes: Type.Array(Note),
  tags: Type.Union([Type.Array(Type.String()), Type.Null()]),
  shape: Shape,
  shapes: Type.Record(Type.String(), Shape),
  rows: Type.Array(Type.Array(Type.Integer({ minimum: 0, maximum: 9 }))),
  tree: Node,
  pair: Type.Tuple([Type.String(), Type.Integer()]),
  any: Type.Unknown(),
  at: timestamp(),
  level: Type.Union([Type.Literal(1), Type.Literal(2)]),
})
const mapping = contract('demo.mapping.v1.MappingService', {
  echo: { input: All, output: All },
  pick: { input: Type.Object({}), output: Shape },
  list: { input: Type.Object({}), output: Type.Array(Type.String()) },
})

async function start() {
  const seen: unknown[] = []
  const handler = defineHandler(mapping, () => ({
    echo: async (input) => {
      seen.push(input)
      return input
    },
    pick: async () => ({ kind: 'square' as const, side: 1.5 }),
    list: async () => ['a', 'b'],
  }))
  const started = await defineService({
    name: 'mapping',
    version: '1.0.0',
    admin: false,
    checkOutput: 'always',
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const address = `127.0.0.1:${started.addresses[0]?.port}`
  const run = async (...args: readonly string[]) => {
    const command = ['grpcurl', '-plaintext', ...args] as const
    return runTool(command, { folder: '.', signal: AbortSignal.timeout(20_000) })
  }
  return {
    seen,
    describe: async (name: string) => (await run(address, 'describe', name)).output.replaceAll(/\s+/g, ' '),
    call: async (method: string, message: object) =>
      run('-d', JSON.stringify(message), address, `demo.mapping.v1.MappingService/${method}`),
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

const value = {
  note: null,
  memo: null,
  notes: ['a', null],
  tags: [],
  shape: { kind: 'circle', size: 3 },
  shapes: { a: { kind: 'square', side: 0.5 } },
  rows: [[1, 2], []],
  tree: { name: 'a', parts: [{ name: 'b', parts: [] }] },
  pair: ['x', 7],
  any: { deep: [null, true, 1.5, 'x', {}] },
  at: '2026-01-31T12:00:00.123456789Z',
  level: 2,
}
/** grpcurl takes NullValue only by its name, and writes it so. */
const nothing = { nullValue: 'NULL_VALUE' }
/** The same as grpcurl has it, in protobuf's own JSON. */
const message = {
  memo: nothing,
  notes: [{ value: 'a' }, nothing],
  tags: { value: {} },
  shape: { circle: { size: 3 } },
  shapes: { a: { square: { side: 0.5 } } },
  rows: [{ items: [1, 2] }, {}],
  tree: { name: 'a', parts: [{ name: 'b' }] },
  pair: value.pair,
  any: value.any,
  at: value.at,
  level: 2,
}

describe.skipIf(absence)(
  `schemas that protobuf has no field for, through grpcurl${absence ? `: ${absence}` : ''}`,
  () => {
    test('are described by reflection, with what they import', async () => {
      await using service = await start()
      const name = 'demo.mapping.v1.EchoRequest'
      const whole = await service.describe(name)
      expect(whole).toContain('optional string note = 1;')
      expect(whole).toContain('.demo.mapping.v1.EchoRequest.Memo memo = 2;')
      expect(whole).toContain('repeated .demo.mapping.v1.EchoRequest.Rows rows = 7;')
      expect(whole).toContain('.google.protobuf.Value pair = 9;')
      expect(whole).toContain('.google.protobuf.Timestamp at = 11;')
      expect(whole).toContain('optional int32 level = 12;')
      expect(await service.describe(`${name}.Memo`)).toContain(
        'oneof kind { .google.protobuf.NullValue null_value = 1; string value = 2; }',
      )
      expect(await service.describe(`${name}.Shape`)).toContain(
        `oneof kind { .${name}.Shape.Circle circle = 1; .${name}.Shape.Square square = 2; }`,
      )
      expect(await service.describe(`${name}.Tree`)).toContain(`repeated .${name}.Tree parts = 2;`)
      expect(await service.describe('google.protobuf.Timestamp')).toContain('int64 seconds = 1;')
    })

    test('come as what they are, and go back', async () => {
      await using service = await start()
      const { code, output } = await service.call('Echo', message)
      expect(code, output).toBe(0)
      expect(service.seen).toEqual([value])
      expect(JSON.parse(output)).toEqual(message)
    })

    test('may be whole outputs', async () => {
      await using service = await start()
      expect(JSON.parse((await service.call('Pick', {})).output)).toEqual({ square: { side: 1.5 } })
      expect(JSON.parse((await service.call('List', {})).output)).toEqual({ items: ['a', 'b'] })
    })

    test('are refused by their place where they do not fit', async () => {
      await using service = await start()
      const { output } = await service.call('Echo', { ...message, level: 3, pair: ['x', 'y'], shape: {} })
      expect(output).toContain('Code: InvalidArgument')
      for (const field of ['/level', '/pair/1', '/shape']) expect(output).toContain(`"field": "${field}"`)
      expect(service.seen).toEqual([])
    })
  },
)
