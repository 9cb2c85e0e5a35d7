import { isRecord, type SetupProblem, toFound } from '@tenon/core/transport'
import type { AsyncApiOptions, AsyncApiServer } from '../asyncapi-options.ts'
import { checkSchemes } from './check-security.ts'
import { check, checkKey, checkLink, checkText } from './check-text.ts'

/** What is wrong with the options of a document. What has no problem makes a valid one. */
export function checkAsyncApi(options: AsyncApiOptions): readonly SetupProblem[] {
  if (!isRecord(options)) return [check.malformed(`the options must be an object, found ${toFound(options)}`)]
  const { servers, securitySchemes, formats, mode = 'binary', sends } = options
  return [
    ...check.names(options, Object.keys(known)),
    ...checkInfo(options),
    ...checkList('formats', formats, (where, format) => [
      ...requireText(`${where}.name`, format['name']),
      ...requireText(`${where}.contentType`, format['contentType']),
    ]),
    ...(sends === undefined || Array.isArray(sends)
      ? []
      : [check.malformed(`sends must be a list of events and operations, found ${toFound(sends)}`)]),
    ...check.choice('mode', mode, ['binary', 'structured']),
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

type Fields = Readonly<Record<string, unknown>>
type FieldCheck = (where: string, fields: Fields) => readonly SetupProblem[]

function checkInfo(options: AsyncApiOptions): readonly SetupProblem[] {
  return [
    ...(['title', 'version', 'description'] as const).flatMap((name) => checkText(name, options[name])),
    ...checkLink('termsOfService', options.termsOfService),
    ...checkObject('contact', options.contact, (where, contact) => [
      ...check.names(contact, ['name', 'url', 'email'], where),
      ...checkText(`${where}.name`, contact['name']),
      ...checkLink(`${where}.url`, contact['url']),
      ...checkEmail(`${where}.email`, contact['email']),
    ]),
    ...checkObject('license', options.license, (where, license) => [
      ...check.names(license, ['name', 'url'], where),
      ...requireText(`${where}.name`, license['name']),
      ...checkLink(`${where}.url`, license['url']),
    ]),
    ...checkList('tags', options.tags, (where, tag) => [
      ...check.names(tag, ['name', 'description'], where),
      ...requireText(`${where}.name`, tag['name']),
      ...checkText(`${where}.description`, tag['description']),
    ]),
  ]
}

function requireText(name: string, value: unknown): readonly SetupProblem[] {
  return checkText(name, value ?? '')
}

function checkObject(name: string, value: unknown, checkFields: FieldCheck): readonly SetupProblem[] {
  if (value === undefined) return []
  return isRecord(value)
    ? checkFields(name, value)
    : [check.malformed(`${name} must be an object, found ${toFound(value)}`)]
}

function checkList(name: string, value: unknown, checkFields: FieldCheck): readonly SetupProblem[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [check.malformed(`${name} must be a list, found ${toFound(value)}`)]
  return value.flatMap((one: unknown, index) => checkObject(`${name}[${index}]`, one, checkFields))
}

/** @see RFC 5322, section 3.2.3, for what is before the "@", which is not quoted here */
const emailForm =
  /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z\d](?:[a-z\d-]*[a-z\d])?$/i

function checkEmail(name: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && emailForm.test(value))) return []
  return [check.malformed(`${name} must be an address such as api@example.com, found ${toFound(value)}`)]
}

const serverNames: Readonly<Record<keyof AsyncApiServer, true>> = {
  host: true,
  protocol: true,
  protocolVersion: true,
  description: true,
  security: true,
}

/** One name, with or without its port. A brace would begin a variable of AsyncAPI. */
const hostForm = /^[\w.-]+(?::\d{1,5})?$/

function checkServers(servers: unknown, schemes: readonly string[]): readonly SetupProblem[] {
  if (servers === undefined) return []
  if (!isRecord(servers)) return [check.malformed(`servers must have brokers by name, found ${toFound(servers)}`)]
  return Object.entries(servers).flatMap(([name, server]) => [
    ...checkKey('servers', name),
    ...checkObject(`servers.${name}`, server, (where, fields) => checkServer(where, fields, schemes)),
  ])
}

function checkServer(where: string, server: Fields, schemes: readonly string[]): readonly SetupProblem[] {
  const { host, protocol = 'kafka', protocolVersion, description, security = [] } = server
  return [
    ...check.names(server, Object.keys(serverNames), where),
    // What it holds is not shown, for it may be a password.
    ...(typeof host === 'string' && hostForm.test(host)
      ? []
      : [
          check.malformed(
            `${where}.host must be host and port of one broker such as kafka.example.com:9092, without a user`,
          ),
        ]),
    ...check.choice(`${where}.protocol`, protocol, ['kafka', 'kafka-secure']),
    ...checkText(`${where}.protocolVersion`, protocolVersion),
    ...checkText(`${where}.description`, description),
    ...checkSecurity(`${where}.security`, security, schemes),
  ]
}

function checkSecurity(where: string, security: unknown, schemes: readonly string[]): readonly SetupProblem[] {
  const isKnown = Array.isArray(security) && security.every((name) => schemes.includes(String(name)))
  const expected = schemes.length === 0 ? 'there are none' : `expected ${schemes.join(', ')}`
  return isKnown ? [] : [check.malformed(`${where} must name schemes of securitySchemes, ${expected}`)]
}
