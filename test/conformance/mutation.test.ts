import { type AccessRule, type ErrorCode, errorCodes, ServiceError } from '@tenon/core'
import { type ConformanceHarness, conformanceCases, memoryHarness } from '@tenon/testing/conformance'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Gate } from '../../packages/core/src/call/gate.ts'
import { DispatchedCall } from '../../packages/core/src/call/dispatched-call.ts'
import { CallWork } from '../../packages/core/src/call/call-work.ts'
import type { composeAround } from '../../packages/core/src/call/rule/compose-around.ts'
import type { composeDispatch } from '../../packages/core/src/call/dispatcher.ts'
import type { compileAccess } from '../../packages/core/src/call/rule/access.ts'
import type { toServiceError } from '../../packages/core/src/error/service-error.ts'
import type { hardenSchema } from '../../packages/core/src/schema/rule/harden-schema.ts'
import type { compileShaper } from '../../packages/core/src/schema/shaper.ts'
import type { compileTextReader } from '../../packages/core/src/schema/text-reader.ts'
import { grpcStatus } from '../../packages/transport-grpc/src/wire/grpc-status.ts'
import { scalarReaders, scalarWriters } from '../../packages/transport-grpc/src/codec/scalar-codec.ts'
import { httpStatus } from '../../packages/transport-http/src/http-status.ts'
import { dispositions } from '../../packages/transport-queue/src/consume/plan/disposition.ts'
import { grpcHarness } from './grpc-harness.ts'
import { httpHarness } from './http-harness.ts'
import { queueHarness } from './queue-harness.ts'

/** Functions of core, each with the way to make another one of it. */
interface Functions {
  readonly compileTextReader: typeof compileTextReader
  readonly compileAccess: typeof compileAccess
  readonly composeAround: typeof composeAround
  readonly composeDispatch: typeof composeDispatch
  readonly compileShaper: typeof compileShaper
  readonly hardenSchema: typeof hardenSchema
  readonly toServiceError: typeof toServiceError
}
type Change = { readonly [Name in keyof Functions]?: (original: Functions[Name]) => Functions[Name] }

const { changes, changeable } = vi.hoisted(() => {
  const current: { now: Record<string, ((original: unknown) => unknown) | undefined> } = { now: {} }
  return {
    changes: current,
    /** The module with one function that can be changed while the tests run. */
    changeable: async (load: () => Promise<object>, name: string): Promise<object> => {
      const module = await load()
      const original: unknown = Reflect.get(module, name)
      const call = (...given: readonly unknown[]): unknown =>
        Reflect.apply((current.now[name]?.(original) ?? original) as () => unknown, undefined, given)
      return { ...module, [name]: call }
    },
  }
})

vi.mock('../../packages/core/src/schema/text-reader.ts', (load) => changeable(load, 'compileTextReader'))
vi.mock('../../packages/core/src/call/rule/access.ts', (load) => changeable(load, 'compileAccess'))
vi.mock('../../packages/core/src/call/rule/compose-around.ts', (load) => changeable(load, 'composeAround'))
vi.mock('../../packages/core/src/call/dispatcher.ts', (load) => changeable(load, 'composeDispatch'))
vi.mock('../../packages/core/src/schema/shaper.ts', (load) => changeable(load, 'compileShaper'))
vi.mock('../../packages/core/src/schema/rule/harden-schema.ts', (load) => changeable(load, 'hardenSchema'))
vi.mock('../../packages/core/src/error/service-error.ts', (load) => changeable(load, 'toServiceError'))

function change(change: Change): void {
  changes.now = change as typeof changes.now
}

afterEach(() => {
  change({})
  vi.restoreAllMocks()
})

/** What becomes of a case of a transport. */
async function tried(harness: ConformanceHarness, title: string): Promise<'passes' | 'fails'> {
  const found = conformanceCases(harness).find((one) => one.title === title)
  if (found === undefined || found.lacks) throw new TypeError(`${harness.name} has no case "${title}"`)
  return found.run().then(
    () => 'passes',
    () => 'fails',
  )
}

/** Passes as things are, and fails after the change. */
async function expectNoticed(harness: ConformanceHarness, title: string, changed: Change): Promise<void> {
  expect(await tried(harness, title)).toBe('passes')
  change(changed)
  expect(await tried(harness, title)).toBe('fails')
}

const codes = Object.keys(errorCodes) as readonly ErrorCode[]

/** What the case of a code is called. */
const told = (code: ErrorCode) => `error: ${code} is told with its reason`

describe('one row of an error table that is another makes the case of its code fail, and not that of the next', () => {
  const tables = [
    { harness: httpHarness, table: httpStatus, other: (row: unknown) => (row === 418 ? 419 : 418) },
    { harness: grpcHarness, table: grpcStatus, other: (row: unknown) => (Number(row) % 16) + 1 },
    {
      harness: queueHarness,
      table: dispositions,
      other: (row: unknown) => (row === 'retry' ? 'dead_letter' : 'retry'),
    },
  ]
  for (const { harness, table, other } of tables) {
    test.each(codes.map((code, index) => [code, codes[(index + 1) % 16] ?? code] as const))(
      `${harness.name}: %s`,
      async (code, next) => {
        const rows: Record<string, unknown> = table
        const row = rows[code]
        try {
          rows[code] = other(row)
          expect(await tried(harness, told(code))).toBe('fails')
          expect(await tried(harness, told(next))).toBe('passes')
        } finally {
          rows[code] = row
        }
        expect(await tried(harness, told(code))).toBe('passes')
      },
    )
  }
})

describe('one type of the messages that is another, in both directions, makes its case fail: the caller has a codec of its own', () => {
  interface Row {
    readonly read: (typeof scalarReaders)['int64']
    readonly write: (typeof scalarWriters)['int64']
  }
  const zigzag: Row = {
    read: (reader) => Number(reader.sint64()),
    write: (writer, value) => writer.sint64(Number(value)),
  }
  const big: Row = {
    read: (reader) => BigInt(reader.sint64()),
    write: (writer, value) => writer.sint64(value as bigint),
  }
  const backwards: Row = {
    read: (reader) => new Uint8Array(reader.bytes()).reverse(),
    write: (writer, value) => writer.bytes(new Uint8Array(value as Uint8Array).reverse()),
  }

  test.each([
    ['int64', zigzag, 'value: the safe integers come through'],
    ['bigint', big, 'value: 64-bit integers come through at both ends'],
    ['bytes', backwards, 'value: bytes come through, all 256 and none'],
  ] as const)('%s', async (scalar, { read, write }, title) => {
    const readers: Record<string, unknown> = scalarReaders
    const writers: Record<string, unknown> = scalarWriters
    const rows = [readers[scalar], writers[scalar]]
    try {
      ;[readers[scalar], writers[scalar]] = [read, write]
      expect(await tried(grpcHarness, title)).toBe('fails')
    } finally {
      ;[readers[scalar], writers[scalar]] = rows
    }
    expect(await tried(grpcHarness, title)).toBe('passes')
  })
})

describe('one rule of reading text that is another makes its case fail', () => {
  type Read = ReturnType<typeof compileTextReader>
  const reads = (read: (original: Read) => Read): Change => ({
    compileTextReader: (compile) => (schema) => read(compile(schema)),
  })
  const onText = (given: string, read: unknown) =>
    reads((original) => (text) => (text === given ? read : original(text)))

  test.each([
    ['"1" is true', onText('1', true), 'text: "1" is no boolean'],
    ['"yes" is true', onText('yes', true), 'text: "yes" is no boolean'],
    ['"" is 0', onText('', 0), 'text: an empty text is no integer'],
    ['"0x10" is 16', onText('0x10', 16), 'text: "0x10" is no integer'],
    ['"1e999" is infinite', onText('1e999', Number.MAX_VALUE), 'text: "1e999" is no number'],
    ['"true" stays text', onText('true', 'true'), 'text: "true" is true'],
    ['numbers lose their spaces', reads((read) => (text) => read(String(text).trim())), 'text: " 1" is no integer'],
    [
      'a comma divides',
      reads((read) => (text) => read(String(text).split(','))),
      'text: a comma does not divide a list',
    ],
    [
      'of repeated texts the last counts',
      reads((read) => (text) => read([text].flat().at(-1) ?? '')),
      'text: repeated texts are a list',
    ],
    ['text stays text', reads(() => (text) => text), 'text: "12" is the integer 12'],
  ])('%s', async (_words, changed, title) => {
    await expectNoticed(httpHarness, title, changed)
  })
})

describe('one rule of access that is another makes its case fail, on every transport that asks who calls', () => {
  const rules = (toRule: (rule: AccessRule) => AccessRule): Change => ({
    compileAccess: (compile) => (rule) => compile(toRule(rule)),
  })
  const isObject = (rule: AccessRule) => typeof rule === 'object'

  const changedRules: readonly (readonly [words: string, changed: Change, title: string])[] = [
    ['everybody is let in', rules(() => 'public'), 'access: authenticated lets every known caller in'],
    [
      'roles are not looked at',
      rules((rule) => (isObject(rule) && rule.roles ? 'authenticated' : rule)),
      'access: one of the roles is enough',
    ],
    [
      'one of the scopes is enough',
      rules((rule) => (isObject(rule) && rule.scopes ? { scopes: rule.scopes.slice(0, 1) } : rule)),
      'access: every one of the scopes is needed',
    ],
    [
      'a check always says yes',
      rules((rule) => (isObject(rule) && rule.check ? { check: () => true } : rule)),
      'access: a check decides',
    ],
    [
      'a check says yes with anything',
      rules((rule) => {
        if (!isObject(rule) || !rule.check) return rule
        const { check } = rule
        return { check: async (principal) => Boolean(await check(principal)) }
      }),
      'access: only true is yes',
    ],
    [
      'nobody is let in where anybody may call',
      rules((rule) => (rule === 'public' ? 'authenticated' : rule)),
      'access: public lets everybody in',
    ],
  ]
  for (const harness of [memoryHarness(), httpHarness, grpcHarness]) {
    test.each(changedRules)(`${harness.name}: %s`, async (_words, changed, title) => {
      await expectNoticed(harness, title, changed)
    })
  }
})

describe('one rule of the pipeline that is another makes its case fail, on every transport it is for', () => {
  const memory = memoryHarness()
  const leaky: typeof toServiceError = (thrown) =>
    ServiceError.is(thrown) ? thrown : new ServiceError('internal', `an internal error occurred: ${String(thrown)}`)
  const unknown: typeof toServiceError = (thrown) => new ServiceError('unknown', 'it broke', { cause: thrown })
  const all = [memory, httpHarness, grpcHarness, queueHarness]

  const changedRules: readonly (readonly [
    words: string,
    harnesses: readonly ConformanceHarness[],
    changed: Change,
    title: string,
  ])[] = [
    [
      'undeclared fields stay',
      // Protobuf drops by itself what it does not know.
      [memory, httpHarness, queueHarness],
      { compileShaper: (compile) => (schema) => ({ ...compile(schema), strip: (value) => value }) },
      'input: fields that nothing declares are dropped, also inside of others',
    ],
    [
      'defaults are left out',
      all,
      { compileShaper: (compile) => (schema) => ({ ...compile(schema), fill: (value) => value }) },
      'value: defaults take the place of what is left out, also inside of others',
    ],
    [
      'integers may be any number',
      all,
      { hardenSchema: () => (schema) => schema },
      'value: an integer that is not safe is refused and never rounded',
    ],
    [
      'a foreign exception has another code',
      all,
      { toServiceError: () => unknown },
      'error: a foreign exception is internal',
    ],
    [
      'a foreign exception is told',
      [memory, httpHarness, grpcHarness],
      { toServiceError: () => leaky },
      'error: nothing of a foreign exception leaves the service',
    ],
  ]
  for (const [words, harnesses, changed, title] of changedRules) {
    test.each(harnesses)(`$name: ${words}`, async (harness) => {
      await expectNoticed(harness, title, changed)
    })
  }
})

describe('one rule of how calls end, and how many run, that is another makes its case fail', () => {
  const harnesses = [memoryHarness(), httpHarness, grpcHarness]
  const kinds = ['a server stream', 'a client stream', 'a bidirectional stream'] as const
  const isStream = ({ path }: DispatchedCall) => path.isInputStream || path.isOutputStream
  const unguarded: typeof composeAround = (around, step) =>
    around.reduceRight((inner, one) => (input, call) => one(call, () => Promise.resolve(inner(input, call))), step)
  const cutNothing = () => vi.spyOn(Gate.prototype, 'cutAll').mockImplementation(() => undefined)
  const changed = (one: Change) => () => change(one)

  const rules: readonly (readonly [words: string, spoil: () => unknown, titles: readonly string[]])[] = [
    [
      'the drain deadline cuts nothing',
      cutNothing,
      [
        'drain: a call that the drain deadline finds running is unavailable, and its handler learns why',
        ...kinds.map((kind) => `drain: the drain deadline ends ${kind} as unavailable, and the handler learns why`),
      ],
    ],
    [
      'a stream gives its place back when it begins',
      () => {
        const { claim } = DispatchedCall.prototype
        vi.spyOn(DispatchedCall.prototype, 'claim').mockImplementation(function (this: DispatchedCall, limiter) {
          if (!isStream(this)) return claim.call(this, limiter)
          return limiter.enter(false).release() ?? undefined
        })
      },
      kinds.map((kind) => `limit: ${kind} keeps its place until it is over`),
    ],
    [
      'what an interceptor leaves behind gives its place back',
      () => vi.spyOn(CallWork.prototype, 'track').mockImplementation(() => undefined),
      ['limit: work that an interceptor leaves behind keeps the place of its call until it has ended'],
    ],
    [
      'next() may run twice',
      changed({ composeAround: () => unguarded as never }),
      [
        'interceptor: one goes on once: a second next() is refused, and the handler runs once',
        ...kinds.map((kind) => `streamed: an interceptor goes on once with ${kind}, and a second next() is refused`),
      ],
    ],
    [
      'a policy is not asked for output streams',
      changed({
        composeDispatch: (compose) => (plan, gate) =>
          compose(plan.kind === 'server_stream' ? { ...plan, policy: undefined } : plan, gate),
      }),
      ['streamed: a policy decides who may call for a server stream'],
    ],
  ]
  for (const harness of harnesses) {
    test.each(rules.flatMap(([words, spoil, titles]) => titles.map((title) => ({ words, spoil, title }))))(
      `${harness.name}: $words ($title)`,
      async ({ spoil, title }) => {
        expect(await tried(harness, title)).toBe('passes')
        spoil()
        expect(await tried({ ...harness, caseLimitMs: 1_500 }, title)).toBe('fails')
      },
      15_000,
    )
  }
})
