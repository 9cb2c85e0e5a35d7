import { stream } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import type { Change, Operations } from './change.ts'

const Empty = Type.Object({})
const unary = { input: Empty, output: Empty }
const one: Operations = { getUser: unary }
const two: Operations = { getUser: unary, putUser: unary }

/** Whole operations and contracts. */
export const methodChanges: readonly Change[] = [
  { name: 'adds an operation', verdict: 'compatible', rules: 'PACKAGE', before: [one], after: two },
  {
    name: 'reorders operations',
    verdict: 'compatible',
    rules: 'PACKAGE',
    before: [two],
    after: { putUser: unary, getUser: unary },
  },
  {
    name: 'deprecates an operation',
    verdict: 'compatible',
    rules: 'PACKAGE',
    before: [one],
    after: { getUser: { ...unary, deprecated: true } },
  },
  {
    name: 'describes an operation',
    verdict: 'compatible',
    rules: 'PACKAGE',
    before: [one],
    after: { getUser: { ...unary, summary: 'One user.', description: 'By id.' } },
  },
  {
    name: 'removes an operation',
    verdict: 'breaking',
    rules: 'PACKAGE',
    told: 'method PutUser',
    before: [two],
    after: one,
  },
  {
    name: 'takes an operation away from gRPC',
    verdict: 'breaking',
    rules: 'PACKAGE',
    told: 'method PutUser',
    before: [two],
    after: { getUser: unary, putUser: { ...unary, grpc: false } },
  },
  {
    name: 'renames an operation',
    verdict: 'breaking',
    rules: 'PACKAGE',
    told: 'method GetUser',
    before: [one],
    after: { findUser: unary },
  },
  {
    name: 'makes an answer a stream',
    verdict: 'breaking',
    told: 'the schema says a stream of responses',
    before: [one],
    after: { getUser: { input: Empty, output: stream(Empty) } },
  },
  {
    name: 'makes a stream one answer',
    verdict: 'breaking',
    told: 'the lock says a stream of responses',
    before: [{ getUser: { input: Empty, output: stream(Empty) } }],
    after: one,
  },
  {
    name: 'makes an input a stream',
    verdict: 'breaking',
    told: 'the schema says a stream of requests',
    before: [one],
    after: { getUser: { input: stream(Empty), output: Empty } },
  },
  {
    name: 'renames the service',
    verdict: 'breaking',
    rules: 'PACKAGE',
    told: 'the lock is that of',
    before: [one],
    renamedTo: 'PersonService',
    after: one,
  },
]
