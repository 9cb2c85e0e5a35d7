import { checkNames, isRecord, type SetupProblem, toFound } from '@tenon/core/transport'
import { checkBoolean } from '../option-form.ts'
import { checkInteger, malformed } from '../server/option-check.ts'
import type { CompressionOptions, CorsOptions, RateLimitOptions } from './plugin-options.ts'

/** What is wrong with options that a plugin would take for its defaults, or fail with at every request. */
export function checkPluginOptions(options: {
  readonly cors?: unknown
  readonly compression?: unknown
  readonly rateLimit?: unknown
}): readonly SetupProblem[] {
  return [
    ...checkEach('cors', options.cors, corsForms),
    ...checkEach('compression', options.compression, compressionForms),
    ...checkEach('rateLimit', options.rateLimit, rateLimitForms),
  ]
}

type Check = (name: string, value: unknown) => readonly SetupProblem[]

const any: Check = () => []
const flag: Check = (name, value) => checkBoolean('httpTransport', name, value)
const called: Check = (name, value) =>
  typeof value === 'function' ? [] : [malformed(`${name} must be a function, found ${toFound(value)}`)]

function integer(min: number): Check {
  return (name, value) =>
    checkInteger(name, typeof value === 'number' ? value : Number.NaN, { min, max: Number.MAX_SAFE_INTEGER })
}

function orCalled(check: Check): Check {
  return (name, value) => (typeof value === 'function' ? [] : check(name, value))
}

/** @see @lukeed/ms, which reads it */
const spanForm =
  /^(?=.*[1-9])\d*\.?\d+ *(?:m(?:illiseconds?|s(?:ecs?)?)?|s(?:ec(?:onds?|s)?)?|m(?:in(?:utes?|s)?)|h(?:ours?|rs?)?|d(?:ays?)?|w(?:eeks?|ks?)?|y(?:ears?|rs?)?)?$/i

const span: Check = (name, value) => {
  if (typeof value !== 'string') return integer(1)(name, value)
  return spanForm.test(value)
    ? []
    : [malformed(`${name} must be a number of ms or a text such as "1 minute", found ${toFound(value)}`)]
}

const corsForms: Readonly<Record<keyof CorsOptions, Check>> = {
  hook: any,
  origin: any,
  credentials: flag,
  exposedHeaders: any,
  allowedHeaders: any,
  methods: any,
  maxAge: integer(0),
  cacheControl: any,
  optionsSuccessStatus: integer(200),
  logLevel: any,
}

const compressionForms: Readonly<Record<keyof CompressionOptions, Check>> = {
  brotliOptions: any,
  customTypes: any,
  encodings: any,
  inflateIfDeflated: flag,
  onUnsupportedEncoding: called,
  removeContentLengthHeader: flag,
  syncThreshold: integer(0),
  threshold: integer(0),
  zlib: any,
  zlibOptions: any,
}

const rateLimitForms: Readonly<Record<keyof RateLimitOptions, Check>> = {
  max: orCalled(integer(0)),
  timeWindow: orCalled(span),
  ban: integer(-1),
  cache: integer(1),
  store: any,
  redis: any,
  nameSpace: any,
  groupId: any,
  hook: any,
  allowList: any,
  ipv6Subnet: integer(0),
  keyGenerator: called,
  onBanReach: called,
  onExceeding: called,
  onExceeded: called,
  skipOnError: flag,
  continueExceeding: flag,
  enableDraftSpec: flag,
  exponentialBackoff: flag,
  addHeaders: any,
  addHeadersOnExceeding: any,
}

function checkEach(option: string, given: unknown, forms: Readonly<Record<string, Check>>): readonly SetupProblem[] {
  if (!isRecord(given)) return []
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return [
    ...checkNames(`httpTransport: ${option}`, given, Object.keys(forms)),
    ...entries.flatMap(([name, value]) => forms[name]?.(`${option}.${name}`, value) ?? []),
  ]
}
