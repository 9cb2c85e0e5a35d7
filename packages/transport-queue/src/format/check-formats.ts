import { isRecord, type OptionCheck, type SetupProblem, toFound as describe } from '@tenon/core/transport'
import { jsonFormat } from './json-format.ts'

/** What is wrong with the option `formats`. */
export function checkFormats(formats: unknown, check: OptionCheck): readonly SetupProblem[] {
  if (formats === undefined) return []
  if (!Array.isArray(formats))
    return [check.malformed(`formats must be a list such as [protobufFormat()], found ${toFound(formats)}`)]
  const problems = formats.flatMap((format: unknown, index) => checkFormat(format, `formats[${index}]`))
  return [...problems, ...findRepeated(formats)].map((problem) => check.malformed(problem))
}

/** @see RFC 9110 section 8.3.1; lower case, because that is how it is looked for */
const mediaTypeForm = /^[a-z0-9.!#$&^_+-]+\/[a-z0-9.!#$&^_+-]+$/

function checkFormat(format: unknown, where: string): readonly string[] {
  if (!isRecord(format)) return [`${where} must be a format such as protobufFormat(), found ${toFound(format)}`]
  const { name, contentType, aliases = [], compile } = format
  return [
    ...(typeof name === 'string' && name !== '' ? [] : [`${where}.name must be text, found ${toFound(name)}`]),
    ...(isMediaType(contentType)
      ? []
      : [`${where}.contentType must be a media type such as application/protobuf, found ${toFound(contentType)}`]),
    ...(Array.isArray(aliases) && aliases.every(isMediaType)
      ? []
      : [`${where}.aliases must be a list of media types, found ${toFound(aliases)}`]),
    ...(typeof compile === 'function' ? [] : [`${where}.compile must be a function, found ${toFound(compile)}`]),
  ]
}

function toFound(value: unknown): string {
  return value === undefined ? 'nothing' : describe(value)
}

function isMediaType(value: unknown): boolean {
  return typeof value === 'string' && mediaTypeForm.test(value)
}

/** Names tell formats apart where messages are written, content types where they are read. */
function findRepeated(formats: readonly unknown[]): readonly string[] {
  const all = [jsonFormat, ...formats.filter(isRecord)]
  const names = repeatedOf(all.map(({ name }) => name))
  const types = repeatedOf(
    all.flatMap(({ contentType, aliases }) => [contentType, ...(Array.isArray(aliases) ? aliases : [])]),
  )
  return [
    ...names.map((name) => `formats has the name ${name} twice; JSON is one of them already`),
    ...types.map((type) => `formats has the content type ${type} twice; JSON has application/json and text/json`),
  ]
}

function repeatedOf(values: readonly unknown[]): readonly string[] {
  return [...new Set(values.filter((value, index) => typeof value === 'string' && values.indexOf(value) < index))].map(
    String,
  )
}
