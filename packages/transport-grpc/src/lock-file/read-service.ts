import type { LockMethod } from './lock-file.ts'
import { readDeprecated } from './read-message.ts'
import { declareName, type Scope } from './scope.ts'
import type { TokenReader } from './token-reader.ts'

export interface RawService {
  readonly name: string
  /** Request and response are still written as in the file. */
  readonly methods: readonly LockMethod[]
}

/** What stands behind the word `service`. */
export function readService(tokens: TokenReader, around: Scope): RawService {
  const name = declareName(tokens, 'service', around)
  const scope: Scope = new Map()
  const methods: LockMethod[] = []
  tokens.expect('{')
  while (!tokens.accept('}')) {
    if (tokens.accept(';')) continue
    tokens.expect('rpc')
    methods.push(readMethod(tokens, scope))
  }
  return { name, methods }
}

function readMethod(tokens: TokenReader, scope: Scope): LockMethod {
  const name = declareName(tokens, 'method', scope)
  const request = readSide(tokens)
  tokens.expect('returns')
  const response = readSide(tokens)
  let isDeprecated = false
  if (tokens.accept('{')) {
    while (!tokens.accept('}')) {
      if (tokens.accept(';')) continue
      tokens.expect('option')
      isDeprecated = readDeprecated(tokens)
      tokens.expect(';')
    }
  } else tokens.expect(';')
  return {
    name,
    request: request.type,
    response: response.type,
    isRequestStream: request.isStream,
    isResponseStream: response.isStream,
    comment: '',
    isDeprecated,
  }
}

function readSide(tokens: TokenReader): { readonly type: string; readonly isStream: boolean } {
  tokens.expect('(')
  const isStream = tokens.accept('stream')
  const type = tokens.name()
  tokens.expect(')')
  return { type, isStream }
}
