import { readFileSync } from 'node:fs'
import { createRegistry, type DescService, fromBinary, type Registry, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import { type AnyContract, type Contract, contractInfo, type Operation } from '@tenon/core/contract'
import { compileSchema, ContractError, type SchemaResult } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { CorpusService } from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { LegacyService, OddService } from '../../fixture/gen/legacy/v1/legacy_pb.js'
import { NamedService } from '../../fixture/gen/legacy/v1/named_pb.js'
import { service } from '../../fixture/readme-example.ts'
import { toProtoService } from '../service/proto-service.ts'
import { buildContract } from './build-contract.ts'
import { protoContract, protoContracts } from './index.ts'

const descriptorSet = readFileSync(new URL('../../fixture/corpus.binpb', import.meta.url))
const corpusName = 'corpus.v1.CorpusService'

function operationOf(contract: AnyContract | undefined, name: string): Operation {
  const found = contract && contractInfo(contract as Contract).operations.find((operation) => operation.name === name)
  if (found === undefined) throw new Error(`no operation ${name}`)
  return found
}

test('a generated service is a contract of its methods: kinds, routes and idempotency as its file says', () => {
  const { name, operations } = contractInfo(protoContract(CorpusService) as Contract)
  const told = operations.map(({ name: operation, kind, http, idempotency, deprecated }) => [
    operation,
    kind,
    http?.routes.map(({ method, path }) => `${method} ${path}`) ?? [],
    idempotency,
    deprecated,
  ])
  expect(name).toBe(corpusName)
  expect(told).toEqual([
    ['echo', 'unary', ['POST /v1/corpus:echo'], 'none', false],
    ['getItem', 'unary', ['GET /v1/items/:itemId', 'GET /v1/shelves/:shelfNo/items/:itemId'], 'safe', false],
    ['putItem', 'unary', ['PUT /v1/items/:itemId'], 'idempotent', false],
    ['dropItem', 'unary', ['DELETE /v1/items/:itemId'], 'idempotent', true],
    ['touchItem', 'unary', ['POST /v1/items/:itemId:touch'], 'none', false],
    ['watchItems', 'server_stream', [], 'none', false],
    ['addItems', 'client_stream', [], 'none', false],
    ['exchangeItems', 'bidi_stream', [], 'none', false],
  ])
})

test('what an annotation says of the body and the query', () => {
  const contract = protoContract(CorpusService)
  expect(operationOf(contract, 'putItem').http).toMatchObject({ body: 'item', query: ['dryRun'] })
  expect(operationOf(contract, 'touchItem').http).toMatchObject({ body: undefined, query: ['at'] })
  expect(operationOf(contract, 'echo').http).toMatchObject({ body: undefined, query: [] })
})

test('options go before what the file says', () => {
  const contract = protoContract(CorpusService, {
    operations: {
      echo: { http: false, timeoutMs: 7, access: 'public' },
      dropItem: { deprecated: false, http: 'POST /v1/drop/:itemId', errors: ['not_found'] },
    },
  })
  expect(operationOf(contract, 'echo')).toMatchObject({ http: undefined, timeoutMs: 7, access: 'public' })
  expect(operationOf(contract, 'dropItem')).toMatchObject({ deprecated: false, errors: ['not_found'] })
  expect(operationOf(contract, 'dropItem').http?.path).toBe('/v1/drop/:itemId')
  expect(operationOf(protoContract(CorpusService, { http: false }), 'getItem').http).toBeUndefined()
})

test('a setting of what is no method is refused by its name', () => {
  const operations = { lost: { timeoutMs: 1 } }
  expect(() => buildContract(CorpusService as unknown as DescService, { operations })).toThrow(
    /operations\.lost is no method of the service; expected one of echo, getItem.*\[contract\.setting\]/,
  )
})

test('a descriptor set gives the same contract, with its comments as words for documents', () => {
  const contract = protoContracts(descriptorSet).get(corpusName)
  const echo = operationOf(contract, 'echo')
  expect([echo.summary, echo.description]).toEqual(['Gives back what it is given.', 'Nothing is lost on the way.'])
  expect([echo.kind, echo.http?.path]).toEqual(['unary', '/v1/corpus:echo'])
  expect(operationOf(contract, 'getItem').outputJsonSchema).toMatchObject({
    description: 'Something on a shelf.',
    properties: { itemId: { description: 'Who made it up.' }, oldName: { deprecated: true } },
    $defs: { 'corpus.v1.Money': { properties: { currency: { description: 'ISO 4217, three letters.' } } } },
  })
})

test('a descriptor set takes the options of each service, and only those that are wanted', () => {
  const services = { [corpusName]: { operations: { getItem: { timeoutMs: 5 } } } }
  const contracts = protoContracts(descriptorSet, { only: [corpusName], services, int64: 'string' })
  expect([...contracts.keys()]).toEqual([corpusName])
  const getItem = operationOf(contracts.get(corpusName), 'getItem')
  expect(getItem.timeoutMs).toBe(5)
  expect(getItem.inputJsonSchema).toMatchObject({ properties: { version: { type: 'string', default: '0' } } })
})

test.each<[string, () => unknown, RegExp]>([
  [
    'bytes that are no set',
    () => protoContracts(Uint8Array.from([7])),
    /expected a FileDescriptorSet.*contract\.proto/,
  ],
  [
    'a service that is not in it',
    () => protoContracts(descriptorSet, { only: ['lost.v1.Lost'] }),
    /lost\.v1\.Lost is no service of the set; expected one of corpus/,
  ],
])('refuses %s', (_name, make, message) => {
  expect(make).toThrow(message)
})

test('an any holds messages of further types where they are given', () => {
  const any = { any: { '@type': 'type.googleapis.com/legacy.v1.Old', name: 'x' } }
  const types: Registry = createRegistry(LegacyService.file, TimestampSchema)
  const read = (contract: AnyContract) =>
    compileSchema(operationOf(contract, 'echo').inputSchema).read(any) as SchemaResult
  expect(read(protoContract(CorpusService)).ok).toBe(false)
  expect(read(protoContract(CorpusService, { types })).ok).toBe(true)
})

test('proto2 is carried: required fields are, defaults are not filled in, closed enums have no unknown numbers', () => {
  const operation = operationOf(protoContract(LegacyService), 'do')
  const [method] = toProtoService(contractInfo(protoContract(LegacyService) as Contract)).methods
  const schema = compileSchema(operation.inputSchema)
  const value = { name: 'x', mode: 'MODE_OFF', sizes: [1, 2], part: { text: 'y' } }
  expect(method?.request.decode(method.request.encode(value))).toEqual(value)
  expect(method?.request.decode(method.request.encode({ name: 'x' }))).toEqual({ name: 'x', sizes: [] })
  const faults = (input: unknown) => {
    const result = schema.read(input) as SchemaResult
    return result.ok ? [] : result.violations.map(({ field }) => field)
  }
  expect([faults({ mode: 'MODE_ON' }), faults({ name: 'x', mode: 7 })]).toEqual([['/name'], ['/mode']])
})

test('a field that every JavaScript object has is refused', () => {
  expect(() => protoContract(OddService)).toThrow(
    /legacy\.v1\.Odd\.constructor has a name that every JavaScript object has/,
  )
})

test('methods that give no name of an operation are refused by their names in the file', () => {
  expect(problemsOf(() => protoContract(NamedService))).toEqual([
    [
      'contract.name',
      'method legacy.v1.NamedService.get_user: it would be the operation get_user; give it a name such as GetUser, of letters and digits, in the file',
    ],
    [
      'contract.name',
      'method legacy.v1.NamedService.Then: it would be the operation then, which a promise has; give it another name in the file',
    ],
  ])
})

test('methods that would be one operation are refused', () => {
  const set = fromBinary(FileDescriptorSetSchema, descriptorSet)
  const [, second] = set.file.flatMap(({ service: services }) => services).flatMap(({ method }) => method)
  if (second) second.name = 'echo'
  expect(problemsOf(() => protoContracts(toBinary(FileDescriptorSetSchema, set)))).toContainEqual([
    'contract.name',
    'method corpus.v1.CorpusService.echo: it would be the operation echo, as Echo is; give it another name in the file',
  ])
})

function problemsOf(make: () => unknown): readonly (readonly [code: string, message: string])[] {
  try {
    make()
  } catch (error) {
    if (error instanceof ContractError) return error.problems.map(({ code, message }) => [code, message])
  }
  return []
}

test('the service has the files of its messages, imported ones first, and shares them with others', async () => {
  const service = toProtoService(contractInfo(protoContract(CorpusService) as Contract))
  const names = (await service.loadFiles()).map(({ name }) => name)
  expect(names.at(-1)).toBe('corpus/v1/corpus.proto')
  expect(names).toContain('google/protobuf/timestamp.proto')
  expect(names.indexOf('google/api/http.proto')).toBeLessThan(names.indexOf('google/api/annotations.proto'))
  expect(service.owners.get('corpus.v1.Money')).toBe('file corpus/v1/shared.proto')
  expect(new Set(service.methods.map(({ name }) => name)).size).toBe(8)
})

test('the example of the README compiles, and is a service that would start', async () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  expect(read('README.md')).toContain(`\`\`\`ts\n${read('fixture/readme-example.ts')}\`\`\``)
  await service.check()
  expect(service.describe().operations.map(({ id }) => id)).toContain(`${corpusName}/exchangeItems`)
})
