import { readFileSync } from 'node:fs'
import { createFileRegistry, type DescMethod, fromBinary } from '@bufbuild/protobuf'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { FileDescriptorSetSchema, StructSchema } from '@bufbuild/protobuf/wkt'
import { type AnyContract, type Contract, contractInfo } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { buildContract } from './build-contract.ts'
import { readHttpBinding } from './http-route.ts'

const descriptorSet = readFileSync(new URL('../../fixture/corpus.binpb', import.meta.url))
const corpusName = 'corpus.v1.CorpusService'

/** HttpRule by field number: texts, and rules inside. */
type Rule = readonly (readonly [number: number, value: string | Rule])[]

function ruleBytes(rule: Rule): Uint8Array {
  const writer = new BinaryWriter()
  for (const [number, value] of rule) {
    const tagged = writer.uint32((number << 3) | 2)
    if (typeof value === 'string') tagged.string(value)
    else tagged.bytes(ruleBytes(value))
  }
  return writer.finish()
}

function annotationOf(rule: Rule) {
  return { no: 72_295_728, wireType: 2, data: new BinaryWriter().bytes(ruleBytes(rule)).finish() }
}

/** The corpus with another annotation at GetItem. */
function annotated(rule: Rule, set = fromBinary(FileDescriptorSetSchema, descriptorSet)): AnyContract {
  const service = set.file.flatMap((file) => file.service).find(({ name }) => name === 'CorpusService')
  const options = service?.method.find(({ name }) => name === 'GetItem')?.options
  if (options === undefined) throw new Error('GetItem has no options')
  options.$unknown = [annotationOf(rule)]
  const found = createFileRegistry(set).getService(corpusName)
  if (found === undefined) throw new Error('no service')
  return buildContract(found, {})
}

test.each<[string, Rule, string, string[]]>([
  [
    'patch',
    [
      [6, '/v1/items/{item_id}'],
      [7, '*'],
    ],
    'PATCH /v1/items/:itemId',
    [],
  ],
  [
    'a custom verb',
    [
      [
        8,
        [
          [1, 'DELETE'],
          [2, '/v1/items/{item_id=*}'],
        ],
      ],
    ],
    'DELETE /v1/items/:itemId',
    ['shelfNo', 'shade', 'weight', 'tags', 'version'],
  ],
  [
    'a body of one field',
    [
      [4, '/v1/items/{item_id}'],
      [7, 'shade'],
    ],
    'POST /v1/items/:itemId',
    ['shelfNo', 'weight', 'tags', 'version'],
  ],
])('reads %s', (_name, rule, route, query) => {
  const { operations } = contractInfo(annotated(rule) as Contract)
  const http = operations.find(({ name }) => name === 'getItem')?.http
  expect([`${http?.method} ${http?.path}`, http?.query]).toEqual([route, query])
})

test.each<[string, Rule, RegExp]>([
  [
    'a pattern of several segments',
    [[2, '/v1/{item_id=items/*}']],
    /the pattern items\/\* of \{item_id\} is not one segment/,
  ],
  ['a pattern of any depth', [[2, '/v1/{item_id=**}']], /the pattern \*\* of \{item_id\}/],
  ['a star alone', [[2, '/v1/*/items']], /a \* outside of a variable/],
  ['two stars at the end', [[2, '/v1/items/**']], /a \* outside of a variable/],
  [
    'a variable behind text',
    [[2, '/v1/x-{item_id}']],
    /segment "x-\{item_id\}" is neither fixed text nor one variable/,
  ],
  ['a variable before text', [[2, '/v1/{item_id}.json']], /segment "\{item_id\}\.json" is neither/],
  ['two variables in a segment', [[2, '/v1/{item_id}{shelf_no}']], /segment "\{item_id\}\{shelf_no\}" is neither/],
  ['a brace that stays open', [[2, '/v1/{item_id']], /segment "\{item_id" is neither/],
  ['a colon of its own', [[2, '/v1/:item']], /segment ":item" is neither/],
  ['one variable twice', [[2, '/v1/{item_id}/again/{item_id}']], /\{item_id\} stands in the path twice/],
  ['the root', [[2, '/']], /segment "" is neither/],
  ['no path', [[2, '']], /the path must start with \//],
  ['a path without its slash', [[2, 'v1/items']], /the path must start with \//],
  ['a slash at the end', [[2, '/v1/items/']], /segment "" is neither/],
  ['a space', [[2, '/v1/all items']], /segment "all items" is neither/],
  [
    'a body of delete',
    [
      [5, '/v1/items'],
      [7, '*'],
    ],
    /DELETE \/v1\/items: body needs a verb that has one, unlike DELETE/,
  ],
  ['a field inside a field', [[2, '/v1/{item.id}']], /\{item\.id\} is a field inside a field/],
  ['a field that is not there', [[2, '/v1/{lost}']], /\{lost\} is no scalar field of corpus\.v1\.GetItemRequest/],
  ['a list in the path', [[2, '/v1/{tags}']], /\{tags\} is no scalar field/],
  [
    'another verb',
    [
      [
        8,
        [
          [1, 'HEAD'],
          [2, '/v1/items'],
        ],
      ],
    ],
    /the verb must be one of GET, POST/,
  ],
  [
    'a part of the response',
    [
      [2, '/v1/items'],
      [12, 'note'],
    ],
    /response_body is not supported/,
  ],
  [
    'a body where there is none',
    [
      [2, '/v1/items'],
      [7, '*'],
    ],
    /body needs a verb that has one, unlike GET/,
  ],
  [
    'a body that is no field',
    [
      [4, '/v1/items'],
      [7, 'lost'],
    ],
    /body "lost" is no field/,
  ],
  [
    'routes that divide fields otherwise',
    [
      [4, '/v1/a'],
      [7, '*'],
      [11, [[4, '/v1/b']]],
    ],
    /takes other fields from body and query/,
  ],
])('refuses %s, and names the method and the way out', (_name, rule, message) => {
  const failure = (() => {
    try {
      return annotated(rule)
    } catch (error) {
      return error
    }
  })()
  expect(failure).toBeInstanceOf(ContractError)
  expect(String(failure)).toMatch(message)
  expect(String(failure)).toMatch(/method corpus\.v1\.CorpusService\.GetItem: .*or give the operation http: false/)
})

test('refuses a variable whose json_name is no name of a parameter', () => {
  const set = fromBinary(FileDescriptorSetSchema, descriptorSet)
  const fields = set.file
    .flatMap(({ messageType }) => messageType)
    .flatMap(({ name, field }) => (name === 'GetItemRequest' ? field : []))
  for (const field of fields) if (field.name === 'item_id') field.jsonName = 'item-id'
  expect(() => annotated([[2, '/v1/{item_id}']], set)).toThrow(
    /GetItem: .*\{item_id\} has the json_name "item-id", which no parameter can have; or give/,
  )
})

test('what is itself a Struct is taken as the whole body', () => {
  const problems: string[] = []
  const bind = (body: string) => {
    const options = {
      $unknown: [
        annotationOf([
          [4, '/v1/structs'],
          [7, body],
        ]),
      ],
    }
    const method = { input: StructSchema, proto: { options } } as unknown as DescMethod
    return readHttpBinding(method, (problem) => problems.push(problem))
  }
  expect([bind('*'), bind('fields'), bind('')]).toEqual([{ route: ['POST /v1/structs'] }, undefined, undefined])
  const problem = 'POST /v1/structs: google.protobuf.Struct has no fields of its own here; use body: "*"'
  expect(problems).toEqual([problem, problem])
})
