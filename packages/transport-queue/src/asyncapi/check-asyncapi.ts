import { checkNames, isRecord, type SetupProblem, toFound } from '@tenon/core/transport'
import type { AsyncApiOptions, AsyncApiServer } from './asyncapi-options.ts'

const owner = 'asyncapi()'

/** What is wrong with the options of a document. */
export function checkAsyncApi(options: AsyncApiOptions): readonly SetupProblem[] {
  if (!isRecord(options)) return [malformed(`the options must be an object, found ${toFound(options)}`)]
  const { servers, securitySchemes, tags, contact, license, formats, mode = 'binary', sends } = options
  return [
    ...checkNames(owner, options, Object.keys(known)),
    ...texts.flatMap((name) => checkText(name, options[name])),
    ...checkObject('contact', contact, ['name', 'url', 'email']),
    ...checkObject('license', license, ['name', 'url']),
    ...(isRecord(license) ? checkText('license.name', license['name'] ?? '') : []),
    ...checkList('tags', tags, 'name'),
    ...checkList('formats', formats, 'contentType'),
    ...(sends === undefined || Array.isArray(sends)
      ? []
      : [malformed(`sends must be a list of events and operations, found ${toFound(sends)}`)]),
    ...(mode === 'binary' || mode === 'structured'
      ? []
      : [malformed(`mode must be binary or structured, found ${toFound(mode)}`)]),
    ...checkSchemes(securitySchemes),
    ...checkServers(servers, Object.keys(isRecord(securitySchemes) ? securitySchemes : {})),
  ]
}

const known: Readonly<Record<keyof AsyncApiOptions, true>> = {
  title: true,
  version: true,
  description: true,
  termsOfService: true,
  contact: true,
  license: true,
  tags: true,
  servers: true,
  securitySchemes: true,
  formats: true,
  mode: true,
  sends: true,
}

const texts = ['title', 'version', 'description', 'termsOfService'] as const

function checkText(name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && value !== '')) return []
  return [malformed(`${name} must be text that is not empty, found ${toFound(value)}`)]
}

function checkObject(name: string, value: unknown, fields: readonly string[]): readonly SetupProblem[] {
  if (value === undefined) return []
  return isRecord(value)
    ? checkNames(`${owner}: ${name}`, value, fields)
    : [malformed(`${name} must be an object, found ${toFound(value)}`)]
}

function checkList(name: string, value: unknown, field: string): readonly SetupProblem[] {
  if (value === undefined) return []
  const isList = Array.isArray(value) && value.every((one) => isRecord(one) && typeof one[field] === 'string')
  return isList ? [] : [malformed(`${name} must be a list of objects with ${field}, found ${toFound(value)}`)]
}

/** What a scheme of each type says. None of it is secret. @see AsyncAPI 3.0.0, security scheme object */
const schemeFields: Readonly<Record<string, readonly string[]>> = {
  userPassword: [],
  apiKey: ['in'],
  X509: [],
  symmetricEncryption: [],
  asymmetricEncryption: [],
  httpApiKey: ['name', 'in'],
  http: ['scheme', 'bearerFormat'],
  oauth2: ['flows', 'scopes'],
  openIdConnect: ['openIdConnectUrl', 'scopes'],
  plain: [],
  scramSha256: [],
  scramSha512: [],
  gssapi: [],
}

/** @see AsyncAPI 3.0.0, components object: the form of its keys */
const nameForm = /^[A-Za-z0-9._-]+$/

function checkSchemes(schemes: unknown): readonly SetupProblem[] {
  if (schemes === undefined) return []
  if (!isRecord(schemes)) return [malformed(`securitySchemes must have schemes by name, found ${toFound(schemes)}`)]
  return Object.entries(schemes).flatMap(([name, scheme]) => {
    const where = `securitySchemes.${name}`
    const fields = isRecord(scheme) ? schemeFields[String(scheme['type'])] : undefined
    const expected = Object.keys(schemeFields).join(', ')
    if (!isRecord(scheme) || fields === undefined)
      return [
        malformed(
          `${where}.type must be one of ${expected}, found ${toFound(isRecord(scheme) ? scheme['type'] : scheme)}`,
        ),
      ]
    const strays = Object.keys(scheme).filter((field) => !['type', 'description', ...fields].includes(field))
    return [
      ...checkName('securitySchemes', name),
      ...strays.map((field) =>
        malformed(`${where}.${field} does not belong in a document; it has names and no secrets`),
      ),
    ]
  })
}

const serverNames: Readonly<Record<keyof AsyncApiServer, true>> = {
  host: true,
  protocol: true,
  protocolVersion: true,
  description: true,
  security: true,
}

function checkServers(servers: unknown, schemes: readonly string[]): readonly SetupProblem[] {
  if (servers === undefined) return []
  if (!isRecord(servers)) return [malformed(`servers must have brokers by name, found ${toFound(servers)}`)]
  return Object.entries(servers).flatMap(([name, server]) => {
    const where = `servers.${name}`
    if (!isRecord(server)) return [malformed(`${where} must be an object with host, found ${toFound(server)}`)]
    const { host, protocol = 'kafka', security = [] } = server
    return [
      ...checkName('servers', name),
      ...checkNames(`${owner}: ${where}`, server, Object.keys(serverNames)),
      // What it holds is not shown, for it may be a password.
      ...(typeof host === 'string' && /^[^\s/@?#]+$/.test(host)
        ? []
        : [malformed(`${where}.host must be host and port such as kafka.example.com:9092, without a user`)]),
      ...(protocol === 'kafka' || protocol === 'kafka-secure'
        ? []
        : [malformed(`${where}.protocol must be kafka or kafka-secure, found ${toFound(protocol)}`)]),
      ...checkSecurity(`${where}.security`, security, schemes),
    ]
  })
}

function checkSecurity(where: string, security: unknown, schemes: readonly string[]): readonly SetupProblem[] {
  const isKnown = Array.isArray(security) && security.every((name) => schemes.includes(String(name)))
  const expected = schemes.length === 0 ? 'there are none' : `expected ${schemes.join(', ')}`
  return isKnown ? [] : [malformed(`${where} must name schemes of securitySchemes, ${expected}`)]
}

function checkName(where: string, name: string): readonly SetupProblem[] {
  if (nameForm.test(name)) return []
  return [malformed(`${where}: "${name}" must be a name of letters, digits, ".", "_" and "-"`)]
}

function malformed(text: string): SetupProblem {
  return { code: 'config.malformed', message: `${owner}: ${text}` }
}
