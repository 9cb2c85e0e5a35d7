import type { LockField, LockFile, LockMessage, LockService, MessageFile } from './lock-file.ts'
import { defaultJsonName } from '../proto/json-name.ts'
import { readMessage, type RawMessage } from './read-message.ts'
import { readService, type RawService } from './read-service.ts'
import { protoScalars } from './scalar-type.ts'
import type { Scope } from './scope.ts'
import { TokenReader } from './token-reader.ts'
import { declaredNames, type DeclaredNames, resolveName } from './type-name.ts'

/**
 * Reads a `.proto` file in the language that `protoOf()` writes: one service of proto3 with its messages.
 *
 * Comments are passed over; options of the file are kept.
 *
 * @param where What the file is called in errors.
 * @throws ContractError `contract.proto` with the line, also for what would be lost when the file is written anew.
 */
export function readLock(text: string, where: string): LockFile {
  const { tokens, draft } = readDraft(text, where)
  const { service } = draft
  if (service === undefined) throw tokens.fault('there is no service')
  const { package: owner } = draft
  const methods = service.methods.map(({ request, response, ...method }) => ({
    ...method,
    request: fullNameOf(request, `${owner}.${service.name}`, draft.declared),
    response: fullNameOf(response, `${owner}.${service.name}`, draft.declared),
  }))
  return { ...resolveFile(draft), service: { name: service.name, methods } satisfies LockService }
}

/** The same for the file of an event, which has no service. */
export function readEventLock(text: string, where: string): MessageFile {
  const { tokens, draft } = readDraft(text, where)
  if (draft.service !== undefined) throw tokens.fault('there is a service, which an event has not')
  return resolveFile(draft)
}

function readDraft(text: string, where: string) {
  const tokens = new TokenReader(text, where)
  const draft: Draft = {
    package: undefined,
    imports: [],
    options: [],
    service: undefined,
    messages: [],
    scope: new Map(),
  }
  readSyntax(tokens)
  while (!tokens.isAtEnd) readStatement(tokens, draft)
  const { package: owner } = draft
  if (owner === undefined) throw tokens.fault('there is no package')
  const messages = draft.messages.map(bare)
  return {
    tokens,
    draft: { ...draft, package: owner, messages, declared: declaredNames({ package: owner, messages }) },
  }
}

interface ReadFile extends MessageFile {
  readonly declared: DeclaredNames
}

interface Draft {
  package: string | undefined
  readonly imports: string[]
  readonly options: string[]
  service: RawService | undefined
  readonly messages: RawMessage[]
  readonly scope: Scope
}

function readSyntax(tokens: TokenReader): void {
  tokens.expect('syntax')
  tokens.expect('=')
  const syntax = tokens.text()
  if (syntax !== 'proto3') throw tokens.fault(`expected syntax "proto3", found "${syntax}"`)
  tokens.expect(';')
}

function readStatement(tokens: TokenReader, draft: Draft): void {
  const word = tokens.next()
  switch (word.value) {
    case ';':
      return
    case 'package':
      if (draft.package !== undefined) throw tokens.fault('a second package; a file has one')
      draft.package = tokens.name()
      return tokens.expect(';')
    case 'import':
      draft.imports.push(tokens.text())
      return tokens.expect(';')
    case 'option':
      draft.options.push(tokens.through(';'))
      return
    case 'message':
      draft.messages.push(readMessage(tokens, { fullName: draft.package ?? '', scope: draft.scope }))
      return
    case 'service':
      if (draft.service !== undefined) throw tokens.fault('a second service; a file is the lock of one contract')
      draft.service = readService(tokens, draft.scope)
      return
    default:
      throw tokens.fault(`expected package, import, option, service or message, found ${word.value}`)
  }
}

/** The same with full names of types, which may be declared behind their use. */
function resolveFile({ package: owner, imports, options, messages, declared }: ReadFile): MessageFile {
  return { package: owner, imports, options, messages: messages.map((message) => resolveMessage(message, declared)) }
}

function fullNameOf(reference: string, scope: string, declared: DeclaredNames): string {
  return resolveName(reference, scope, declared) ?? reference
}

function bare({ fields, messages, ...message }: RawMessage): LockMessage {
  return { ...message, messages: messages.map(bare), fields: fields.map(withJsonName) }
}

function withJsonName({ jsonName, ...field }: RawMessage['fields'][number]): LockField {
  return { ...field, jsonName: jsonName ?? defaultJsonName(field.name) }
}

function resolveMessage(message: LockMessage, declared: DeclaredNames): LockMessage {
  const typeOf = ({ type }: LockField) =>
    protoScalars.has(type) ? type : `.${fullNameOf(type, message.fullName, declared)}`
  return {
    ...message,
    fields: message.fields.map((field) => ({ ...field, type: typeOf(field) })),
    messages: message.messages.map((one) => resolveMessage(one, declared)),
  }
}
