import { isErrorCode } from '../error/service-error.ts'
import type { SetupErrorCode } from '../error/setup-error-code.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import type { HttpBinding } from './http-binding.ts'
import type { AccessRule, OperationSpec, QueueBinding } from './operation.ts'
import { isStream } from './stream.ts'

const longestTimeoutMs = 3_600_000

/** What is wrong with an operation's settings, apart from its schemas and its route. A misspelt one must not be ignored. */
export function checkSettings(id: string, spec: OperationSpec): readonly SetupProblem[] {
  const where = `operation ${id}`
  return [
    ...strayKeys(where, spec, specKeys),
    ...(typeof spec.http === 'object' ? strayKeys(`${where}: http`, spec.http, httpKeys) : []),
    ...(spec.queue ? strayKeys(`${where}: queue`, spec.queue, queueKeys) : []),
    ...checkFormat(`${where}: queue.format`, spec.queue?.format),
    ...checkTimeout(where, spec.timeoutMs),
    ...checkErrors(where, spec.errors),
    ...(spec.access === undefined ? [] : checkAccess(where, spec.access)),
    ...checkStreams(where, spec),
  ]
}

/** What is wrong with an access rule: one that is not understood must never let anybody in. */
export function checkAccess(where: string, access: AccessRule): readonly SetupProblem[] {
  if (access === 'public' || access === 'authenticated') return []
  const expected = "'public', 'authenticated', { roles }, { scopes } or { check }"
  if (typeof access !== 'object' || access === null)
    return [setting(`${where}: access must be ${expected}, found ${JSON.stringify(access)}`)]
  const keys = Object.keys(access)
  const [key, ...more] = keys
  if (key === undefined || more.length > 0 || !['roles', 'scopes', 'check'].includes(key))
    return [setting(`${where}: access must be ${expected}, found an object with ${keys.join(', ') || 'nothing'}`)]
  if (key === 'check')
    return typeof access.check === 'function' ? [] : [setting(`${where}: access.check must be a function`)]
  const names: unknown = access.roles ?? access.scopes
  const isList = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')
  return isList ? [] : [setting(`${where}: access.${key} must name at least one, as a list of texts`)]
}

const specKeys: Readonly<Record<keyof OperationSpec, true>> = {
  input: true,
  output: true,
  errors: true,
  http: true,
  queue: true,
  grpc: true,
  access: true,
  timeoutMs: true,
  idempotency: true,
  summary: true,
  description: true,
  examples: true,
  tags: true,
  deprecated: true,
}
const httpKeys: Readonly<Record<keyof HttpBinding, true>> = {
  route: true,
  status: true,
  query: true,
  headers: true,
  cookies: true,
  body: true,
  location: true,
  etag: true,
  sse: true,
  heartbeatMs: true,
  upload: true,
}
const queueKeys: Readonly<Record<keyof QueueBinding, true>> = { topic: true, key: true, group: true, format: true }

/** What is wrong with the name of a format. Whether a transport has it is the transport's to say. */
export function checkFormat(where: string, format: unknown): readonly SetupProblem[] {
  if (format === undefined || (typeof format === 'string' && /^[a-z][a-z0-9-]*$/.test(format))) return []
  return [setting(`${where} must be the name of a format, such as protobuf, found ${JSON.stringify(format)}`)]
}

function strayKeys(where: string, given: object, known: Readonly<Record<string, true>>): readonly SetupProblem[] {
  return Object.keys(given)
    .filter((key) => !Object.hasOwn(known, key))
    .map((key) => setting(`${where}: "${key}" is no setting; expected ${Object.keys(known).join(', ')}`))
}

function checkTimeout(where: string, timeoutMs: number | undefined): readonly SetupProblem[] {
  if (timeoutMs === undefined || (timeoutMs >= 1 && timeoutMs <= longestTimeoutMs)) return []
  return [setting(`${where}: timeoutMs must be from 1 to ${longestTimeoutMs}, found ${timeoutMs}`)]
}

function checkErrors(where: string, errors: OperationSpec['errors'] = []): readonly SetupProblem[] {
  return errors
    .filter((code) => !isErrorCode(code))
    .map((code) => setting(`${where}: "${String(code)}" in errors is no error code`))
}

function checkStreams(where: string, { input, output, queue }: OperationSpec): readonly SetupProblem[] {
  if (queue === undefined || !(isStream(input) || isStream(output))) return []
  return [problem('contract.queue', `${where}: an operation with a stream cannot be a command on a queue`)]
}

function setting(message: string): SetupProblem {
  return problem('contract.setting', message)
}

function problem(code: SetupErrorCode, message: string): SetupProblem {
  return { code, message }
}
