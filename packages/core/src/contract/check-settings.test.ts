import Type from 'typebox'
import { expect, it } from 'vitest'
import type { AccessRule, OperationSpec } from './operation.ts'
import { checkAccess, checkSettings } from './check-settings.ts'
import { stream } from './stream.ts'

const Empty = Type.Object({})
const messages = (spec: object) =>
  checkSettings('getUser', { input: Empty, output: Empty, ...spec } as OperationSpec).map(({ message }) => message)
const oneOf = "access must be 'public', 'authenticated', { roles }, { scopes } or { check }"

it.each([
  [{ acces: 'public' }, /^operation getUser: "acces" is no setting; expected input, output, .*access/],
  [{ http: { route: 'GET /a', stauts: 200 } }, /^operation getUser: http: "stauts" is no setting; expected route/],
  [{ queue: { topic: 'a.b', key: 'id', grup: 'x' } }, /^operation getUser: queue: "grup" is no setting/],
  [{ queue: { topic: 'a.b', key: 'id' }, input: stream(Empty) }, /with a stream cannot be a command/],
])('%j is refused', (spec, expected) => {
  expect(messages(spec)).toEqual([expect.stringMatching(expected)])
})

it.each<[unknown, string]>([
  ['admin', `${oneOf}, found "admin"`],
  [null, `${oneOf}, found null`],
  [{}, `${oneOf}, found an object with nothing`],
  [{ roles: ['a'], scopes: ['b'] }, `${oneOf}, found an object with roles, scopes`],
  [{ role: ['a'] }, `${oneOf}, found an object with role`],
  [{ roles: 'admin' }, 'access.roles must name at least one, as a list of texts'],
  [{ scopes: [] }, 'access.scopes must name at least one, as a list of texts'],
  [{ check: true }, 'access.check must be a function'],
])('an access rule %j lets nobody in by mistake', (access, expected) => {
  expect(checkAccess('defaultAccess', access as AccessRule)).toEqual([
    { code: 'contract.setting', message: `defaultAccess: ${expected}` },
  ])
})

it.each<AccessRule>(['public', 'authenticated', { roles: ['a'] }, { scopes: ['a'] }, { check: () => true }])(
  '%j is an access rule',
  (access) => expect(checkAccess('x', access)).toEqual([]),
)
