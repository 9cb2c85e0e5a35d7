import {
  type LockEnum,
  type LockField,
  type LockMessage,
  type LockValue,
  type NumberRange,
  nothingReserved,
  type Reserved,
} from './lock-file.ts'
import { addReserved } from './reserved.ts'
import { declareName, type Scope } from './scope.ts'
import type { TokenReader } from './token-reader.ts'

/** A message whose types are still written as in the file, and whose JSON names are left out where the file leaves them out. */
export interface RawMessage extends Omit<LockMessage, 'fields' | 'messages'> {
  readonly fields: readonly RawField[]
  readonly messages: readonly RawMessage[]
}

type RawField = Omit<LockField, 'jsonName'> & { readonly jsonName: string | undefined }

interface MessageDraft {
  readonly fullName: string
  readonly fields: RawField[]
  readonly messages: RawMessage[]
  readonly enums: LockEnum[]
  reserved: Reserved
}

/** Where a message or an enum is declared. */
export interface Surroundings {
  readonly fullName: string
  readonly scope: Scope
}

/** What stands behind the word `message`. */
export function readMessage(tokens: TokenReader, around: Surroundings): RawMessage {
  const fullName = `${around.fullName}.${declareName(tokens, 'message', around.scope)}`
  const draft: MessageDraft = {
    fullName,
    fields: [],
    messages: [],
    enums: [],
    reserved: nothingReserved,
  }
  tokens.expect('{')
  const inside: Surroundings = { fullName, scope: new Map() }
  while (!tokens.accept('}')) readMember(tokens, draft, inside)
  return draft
}

function readMember(tokens: TokenReader, draft: MessageDraft, inside: Surroundings): void {
  if (tokens.accept(';')) return
  if (tokens.accept('message')) draft.messages.push(readMessage(tokens, inside))
  else if (tokens.accept('enum')) draft.enums.push(readEnum(tokens, inside))
  else if (tokens.accept('oneof')) draft.fields.push(...readOneof(tokens, inside))
  else if (tokens.accept('reserved')) draft.reserved = addReserved(draft.reserved, readReserved(tokens))
  else draft.fields.push(readField(tokens, undefined))
}

function readOneof(tokens: TokenReader, { scope }: Surroundings): readonly RawField[] {
  const name = declareName(tokens, 'oneof', scope)
  const fields: RawField[] = []
  tokens.expect('{')
  while (!tokens.accept('}')) if (!tokens.accept(';')) fields.push(readField(tokens, name))
  return fields
}

function readField(tokens: TokenReader, oneof: string | undefined): RawField {
  const { type, label } = readType(tokens)
  const name = tokens.name()
  tokens.expect('=')
  const number = tokens.number()
  const options = readOptions(tokens)
  tokens.expect(';')
  return { name, type, label, oneof, number, comment: '', ...options }
}

function readType(tokens: TokenReader): Pick<LockField, 'type' | 'label'> {
  const isRepeated = tokens.accept('repeated')
  if (!isRepeated) tokens.accept('optional')
  const type = tokens.name()
  if (type !== 'map' || !tokens.accept('<')) return { type, label: isRepeated ? 'repeated' : 'optional' }
  const key = tokens.name()
  if (key !== 'string') throw tokens.fault(`expected a map with keys of type string, found ${key}`)
  tokens.expect(',')
  const value = tokens.name()
  tokens.expect('>')
  return { type: value, label: 'map' }
}

function readOptions(tokens: TokenReader): Pick<RawField, 'jsonName' | 'isDeprecated'> {
  let jsonName: string | undefined
  let isDeprecated = false
  if (!tokens.accept('[')) return { jsonName, isDeprecated }
  do {
    if (tokens.accept('json_name')) {
      tokens.expect('=')
      jsonName = tokens.text()
    } else isDeprecated = readDeprecated(tokens)
  } while (tokens.accept(','))
  tokens.expect(']')
  return { jsonName, isDeprecated }
}

/** An option that is `deprecated`, because any other would be lost when the file is written anew. */
export function readDeprecated(tokens: TokenReader): boolean {
  tokens.expect('deprecated')
  tokens.expect('=')
  if (tokens.accept('false')) return false
  tokens.expect('true')
  return true
}

function readEnum(tokens: TokenReader, around: Surroundings): LockEnum {
  const fullName = `${around.fullName}.${declareName(tokens, 'enum', around.scope)}`
  const values: LockValue[] = []
  let reserved: Reserved = nothingReserved
  tokens.expect('{')
  while (!tokens.accept('}')) {
    if (tokens.accept(';')) continue
    if (tokens.accept('reserved')) reserved = addReserved(reserved, readReserved(tokens))
    else values.push(readValue(tokens))
  }
  return { fullName, values, reserved }
}

function readValue(tokens: TokenReader): LockValue {
  const name = tokens.name()
  tokens.expect('=')
  const number = tokens.number()
  tokens.expect(';')
  return { name, number }
}

function readReserved(tokens: TokenReader): Reserved {
  const ranges: NumberRange[] = []
  const names: string[] = []
  do {
    const name = tokens.acceptText()
    if (name === undefined) ranges.push(readRange(tokens))
    else names.push(name)
  } while (tokens.accept(','))
  tokens.expect(';')
  return { ranges, names }
}

function readRange(tokens: TokenReader): NumberRange {
  const first = tokens.number()
  if (!tokens.accept('to')) return [first, first]
  const last = tokens.accept('max') ? Number.POSITIVE_INFINITY : tokens.number()
  if (last < first) throw tokens.fault(`expected a range from its smallest number on, found ${first} to ${last}`)
  return [first, last]
}
