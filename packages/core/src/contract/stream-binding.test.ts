import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { ContractError } from '../error/setup-error.ts'
import { bytes } from '../schema/native/bytes.ts'
import { contract, contractInfo } from './contract.ts'
import { formPart } from './form-part.ts'
import type { HttpBinding } from './http-binding.ts'
import { int64 } from '../schema/native/int64.ts'
import type { OperationSpec } from './operation.ts'
import { rawInputOf, rawOutputStreamOf } from './raw-body.ts'
import { stream } from './stream.ts'

const Change = Type.Object({
  id: int64(),
  kind: Type.String(),
  count: Type.Integer(),
  data: bytes(),
  tags: Type.Array(Type.String()),
})
const nothing = Type.Object({})
const chunk = bytes({ mediaType: 'video/mp4' })

type Binding = Omit<HttpBinding, 'route'> & { readonly route?: HttpBinding['route'] }

const watching = (http: Binding, output: OperationSpec['output'] = stream(Change)) =>
  build({ input: nothing, output, http: { route: 'GET /v1/changes', ...http } })
const taking = (http: Binding, input: OperationSpec['input']) =>
  build({ input, output: nothing, http: { route: 'POST /v1/files', ...http } })

function build(spec: OperationSpec) {
  const [operation] = contractInfo(contract('demo.v1.Demo', { run: spec } as never)).operations
  if (operation?.http === undefined) throw new Error('it has no route')
  return { operation, http: operation.http }
}

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make()
    return []
  } catch (error) {
    if (error instanceof ContractError) return error.problems.map(({ message }) => message.replace(/^.*": /, ''))
    throw error
  }
}

describe('the binding of a stream', () => {
  it('has a default for everything', () => {
    expect(watching({}).http).toMatchObject({ sse: {}, heartbeatMs: 15_000 })
    expect(taking({}, stream(formPart())).http.upload).toEqual({
      maxBytes: 1_073_741_824,
      maxPartBytes: 1_073_741_824,
      maxPartCount: 1_000,
    })
    expect(taking({ upload: { maxBytes: 5 } }, stream(formPart())).http.upload.maxPartBytes).toBe(5)
  })

  it('names fields of an item that are text or whole numbers', () => {
    expect(watching({ sse: { id: 'id', event: 'kind', retryMs: 0 }, heartbeatMs: 0 }).http).toMatchObject({
      sse: { id: 'id', event: 'kind', retryMs: 0 },
      heartbeatMs: 0,
    })
    expect(problemsOf(() => watching({ sse: { id: 'count' } }))).toEqual([])
    expect(problemsOf(() => watching({ sse: { id: 'other', event: 'tags' } }))).toEqual([
      'sse.id: "other" is no field of an item of the output',
      'sse.event: field "tags" must be text or a whole number',
    ])
    expect(problemsOf(() => watching({ sse: { id: 'data' } }))).toEqual([
      'sse.id: field "data" must be text or a whole number',
    ])
  })

  it.each([
    [{ heartbeatMs: -1 }, 'heartbeatMs must be a whole number from 0 to 3600000, found -1'],
    [{ heartbeatMs: 1.5 }, 'heartbeatMs must be a whole number from 0 to 3600000, found 1.5'],
    [{ sse: { retryMs: 3_600_001 } }, 'sse.retryMs must be a whole number from 0 to 3600000, found 3600001'],
    [{ sse: { name: 'kind' } as never }, 'sse: "name" is no setting; expected id, event, retryMs'],
  ])('refuses %j', (http, message) => {
    expect(problemsOf(() => watching(http))).toEqual([message])
  })

  it('is only for streams of that kind', () => {
    const items =
      'sse and heartbeatMs are for an output of items: expected output: stream(…) of something else than bytes'
    expect(problemsOf(() => watching({ heartbeatMs: 1 }, Change))).toEqual([items])
    expect(problemsOf(() => watching({ sse: {} }, stream(chunk)))).toEqual([items])
    expect(problemsOf(() => watching({ sse: {} }, stream(Type.Object({ chunk }))))).toEqual([items])
    const upload =
      'upload is for an input of bytes or of a form: expected stream() of one field of bytes with a media type, or of formPart()'
    expect(problemsOf(() => taking({ upload: {} }, stream(Change)))).toEqual([upload])
    expect(problemsOf(() => taking({ upload: {} }, Type.Object({ chunk })))).toEqual([upload])
    expect(problemsOf(() => taking({}, formPart()))).toEqual([
      'formPart() is an item of a stream: expected input: stream(formPart())',
    ])
  })

  it.each([
    [{ maxBytes: 0 }, 'upload.maxBytes must be a whole number from 1 to 9007199254740991, found 0'],
    [{ maxPartBytes: 0.5 }, 'upload.maxPartBytes must be a whole number from 1 to 9007199254740991, found 0.5'],
    [{ maxPartCount: 1_000_001 }, 'upload.maxPartCount must be a whole number from 1 to 1000000, found 1000001'],
    [{ max: 1 } as never, 'upload: "max" is no setting; expected maxBytes, maxPartBytes, maxPartCount'],
  ])('refuses an upload of %j', (upload, message) => {
    expect(problemsOf(() => taking({ upload }, stream(formPart())))).toEqual([message])
  })
})

describe('bytes in a stream', () => {
  it('are the body where they are alone in an item, beside fields of path and query', () => {
    const Item = Type.Object({ fileId: Type.String(), at: Type.Optional(Type.Integer()), chunk })
    const route = { route: 'PUT /v1/files/:fileId', query: ['at'], upload: { maxBytes: 9 } } as const
    expect(rawInputOf(taking(route, stream(Item)).operation)).toEqual({ name: 'chunk', mediaType: 'video/mp4' })
    expect(rawInputOf(taking({}, stream(Item)).operation)).toBeUndefined()
    expect(rawInputOf(taking({}, stream(Type.Object({ chunk: bytes() }))).operation)).toBeUndefined()
  })

  it('are the reply where an item is bytes or has nothing else', () => {
    const given = { mediaType: 'video/mp4' }
    expect(rawOutputStreamOf(watching({}, stream(chunk)).operation)).toEqual({ name: undefined, ...given })
    expect(rawOutputStreamOf(watching({}, stream(Type.Object({ chunk }))).operation)).toEqual({
      name: 'chunk',
      ...given,
    })
    expect(rawOutputStreamOf(watching({}, Type.Object({ chunk })).operation)).toBeUndefined()
    expect(rawOutputStreamOf(watching({}, stream(bytes())).operation)).toBeUndefined()
    expect(rawOutputStreamOf(watching({}).operation)).toBeUndefined()
  })
})
