import { checkNames, isRecord, type SetupProblem } from '@tenon/core/transport'
import {
  type DocumentOptions,
  type DocumentSettings,
  type OpenApiOptions,
  type OpenApiServing,
  resolveDocument,
} from './openapi-options.ts'
import { servedPathForm } from '../option-form.ts'
import { checkSwitch, malformed } from '../server/option-check.ts'
import { pagePathsOf } from './page-paths.ts'

/** What is wrong with the options of a served document and its page. */
export function checkDocument({ openapi, docs }: DocumentOptions): readonly SetupProblem[] {
  const isOff = openapi === false && docs !== undefined && docs !== false
  const problems = [
    ...checkSwitch('openapi', openapi, (given) => checkServing(given)),
    ...checkSwitch('docs', docs, (given) => [
      ...checkNames('httpTransport: docs', given, ['path']),
      ...checkPath('docs', given),
    ]),
    ...(isOff ? [malformed('docs shows the document of openapi: switch openapi on as well')] : []),
  ]
  return problems.length > 0
    ? problems
    : checkOverlap(resolveDocument({ ...(openapi !== undefined && { openapi }), ...(docs !== undefined && { docs }) }))
}

function checkOverlap({ openapi, docs }: DocumentSettings): readonly SetupProblem[] {
  if (openapi === undefined || docs === undefined) return []
  const { at, below } = pagePathsOf(docs.path)
  if (!at.includes(openapi.path) && !below.some((path) => openapi.path.startsWith(`${path}/`))) return []
  const message = `openapi.path ${openapi.path} is taken by the page of docs at ${docs.path}: give one of them another path`
  return [malformed(message)]
}

/** What is wrong with what a document is to say. */
export function checkOpenApiOptions(
  where: string,
  options: OpenApiOptions,
  names: readonly string[] = Object.keys(known),
): readonly SetupProblem[] {
  const { servers, tags, securitySchemes } = options
  return [
    ...checkNames(where, options, names),
    ...texts.flatMap((field) => checkText(`${where}.${field}`, options[field])),
    ...checkEntries(`${where}.servers`, servers, 'url'),
    ...checkEntries(`${where}.tags`, tags, 'name'),
    ...checkSchemes(`${where}.securitySchemes`, securitySchemes),
    ...checkLicense(`${where}.license`, options.license),
  ]
}

const texts = ['title', 'version', 'summary', 'description', 'termsOfService'] as const

const known: Readonly<Record<keyof OpenApiOptions, true>> = {
  title: true,
  version: true,
  summary: true,
  description: true,
  termsOfService: true,
  contact: true,
  license: true,
  servers: true,
  tags: true,
  securitySchemes: true,
  defaultAccess: true,
}

function checkServing(given: OpenApiServing): readonly SetupProblem[] {
  const { path: _path, ...said } = given
  const ruled = 'defaultAccess' in said
  const names = ['path', ...Object.keys(known)].filter((name) => ruled || name !== 'defaultAccess')
  const message = 'openapi.defaultAccess is no option of a server, which knows the rules of its service'
  return [
    ...checkPath('openapi', given),
    ...(ruled ? [malformed(message)] : []),
    ...checkOpenApiOptions('httpTransport: openapi', said, names),
  ]
}

function checkPath(name: string, { path }: { readonly path?: unknown }): readonly SetupProblem[] {
  if (path === undefined || (typeof path === 'string' && servedPathForm.test(path))) return []
  return [malformed(`${name}.path must be a path such as /${name}, found ${JSON.stringify(path)}`)]
}

function checkText(where: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && value !== '')) return []
  return [refused(`${where} must be text that is not empty, found ${JSON.stringify(value)}`)]
}

function checkEntries(where: string, value: unknown, field: string): readonly SetupProblem[] {
  if (value === undefined) return []
  const isList = Array.isArray(value) && value.every((one) => isRecord(one) && typeof one[field] === 'string')
  return isList ? [] : [refused(`${where} must be a list of objects with ${field}, found ${JSON.stringify(value)}`)]
}

const schemeTypes = ['apiKey', 'http', 'mutualTLS', 'oauth2', 'openIdConnect']

/** @see OpenAPI 3.1, components object: the form of the names */
const nameForm = /^[A-Za-z0-9._-]+$/

function checkSchemes(where: string, schemes: unknown): readonly SetupProblem[] {
  if (schemes === undefined) return []
  if (!isRecord(schemes) || Object.keys(schemes).length === 0)
    return [refused(`${where} must have at least one scheme by name, found ${JSON.stringify(schemes)}`)]
  return Object.entries(schemes).flatMap(([name, scheme]) => [
    ...(nameForm.test(name) ? [] : [refused(`${where}: "${name}" must be a name such as bearer`)]),
    ...(isRecord(scheme) && schemeTypes.includes(String(scheme['type']))
      ? []
      : [refused(`${where}.${name}.type must be one of ${schemeTypes.join(', ')}, found ${JSON.stringify(scheme)}`)]),
  ])
}

function checkLicense(where: string, license: unknown): readonly SetupProblem[] {
  if (license === undefined) return []
  if (!isRecord(license) || typeof license['name'] !== 'string')
    return [refused(`${where} must have a name, found ${JSON.stringify(license)}`)]
  const isTwice = license['identifier'] !== undefined && license['url'] !== undefined
  return isTwice ? [refused(`${where} must have identifier or url, found both`)] : []
}

/** Of a document, whoever it is for. */
function refused(message: string): SetupProblem {
  return { code: 'config.malformed', message }
}
