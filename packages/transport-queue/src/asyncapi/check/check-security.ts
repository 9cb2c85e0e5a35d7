import { isRecord, type SetupProblem, toFound } from '@tenon/core/transport'
import { check, checkEndpoint, checkKey, checkText } from './check-text.ts'

/** What is wrong with the ways to show who one is. No message tells a value, for it may be a secret. */
export function checkSchemes(schemes: unknown): readonly SetupProblem[] {
  if (schemes === undefined) return []
  if (!isRecord(schemes))
    return [check.malformed(`securitySchemes must have schemes by name, found ${toFound(schemes)}`)]
  return Object.entries(schemes).flatMap(([name, scheme]) => [
    ...checkKey('securitySchemes', name),
    ...checkScheme(`securitySchemes.${name}`, scheme),
  ])
}

/** Those that a driver of Kafka has: SASL, with OAUTHBEARER as `oauth2`, and mutual TLS. */
const types = ['plain', 'scramSha256', 'scramSha512', 'oauth2', 'X509']

/** The addresses that each flow must have. @see AsyncAPI 3.0.0, OAuth flow object */
const flowAddresses: ReadonlyMap<string, readonly string[]> = new Map([
  ['implicit', ['authorizationUrl']],
  ['password', ['tokenUrl']],
  ['clientCredentials', ['tokenUrl']],
  ['authorizationCode', ['authorizationUrl', 'tokenUrl']],
])

function checkScheme(where: string, scheme: unknown): readonly SetupProblem[] {
  const type = isRecord(scheme) ? scheme['type'] : undefined
  if (!isRecord(scheme) || !types.includes(String(type)))
    return [check.malformed(`${where}.type must be one of ${types.join(', ')}`)]
  const isOauth = type === 'oauth2'
  return [
    ...checkFields(where, scheme, ['type', 'description', ...(isOauth ? ['flows', 'scopes'] : [])]),
    ...checkText(`${where}.description`, scheme['description']),
    ...(isOauth ? [...checkFlows(`${where}.flows`, scheme['flows']), ...checkScopes(where, scheme['scopes'])] : []),
  ]
}

function checkFlows(where: string, flows: unknown): readonly SetupProblem[] {
  const expected = [...flowAddresses.keys()].join(', ')
  if (!isRecord(flows)) return [check.malformed(`${where} must have flows by name, of ${expected}`)]
  return Object.entries(flows).flatMap(([name, flow]) => {
    const addresses = flowAddresses.get(name)
    if (addresses === undefined) return [stray(`${where}.${name}`, `expected ${expected}`)]
    if (!isRecord(flow)) return [check.malformed(`${where}.${name} must be an object`)]
    return checkFlow(`${where}.${name}`, { flow, addresses })
  })
}

interface Flow {
  readonly flow: Readonly<Record<string, unknown>>
  readonly addresses: readonly string[]
}

function checkFlow(where: string, { flow, addresses }: Flow): readonly SetupProblem[] {
  const { refreshUrl, availableScopes } = flow
  return [
    ...checkFields(where, flow, [...addresses, 'refreshUrl', 'availableScopes']),
    ...addresses.flatMap((name) => checkEndpoint(`${where}.${name}`, flow[name] ?? '')),
    ...checkEndpoint(`${where}.refreshUrl`, refreshUrl),
    ...(isRecord(availableScopes) && Object.values(availableScopes).every((text) => typeof text === 'string')
      ? []
      : [check.malformed(`${where}.availableScopes must have a text for each scope, by name`)]),
  ]
}

function checkScopes(where: string, scopes: unknown): readonly SetupProblem[] {
  if (scopes === undefined || (Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string'))) return []
  return [check.malformed(`${where}.scopes must be a list of names`)]
}

function checkFields(where: string, given: object, known: readonly string[]): readonly SetupProblem[] {
  const strays = Object.keys(given).filter((field) => !known.includes(field))
  return strays.map((field) => stray(`${where}.${field}`, `expected ${known.join(', ')}`))
}

function stray(path: string, expected: string): SetupProblem {
  return check.malformed(`${path} does not belong in a document; it has names and no secrets: ${expected}`)
}
