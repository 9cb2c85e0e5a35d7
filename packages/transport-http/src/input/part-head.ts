import { isUtf8 } from 'node:buffer'
import type { FormPartHead } from '@tenon/core/contract'

/**
 * What the header section of a part says; text instead of it where something is wrong, for the error.
 *
 * Strict where the writers of forms agree, so that no two readers of one body can differ: a quote in a name is `%22`, as browsers
 * and curl write it, and nothing is escaped with a backslash; `filename*` is refused; lines are not folded.
 *
 * @see RFC 7578 sections 4.2, 4.7 and 4.8, and HTML Standard, multipart form data
 */
export function readPartHead(bytes: Buffer): FormPartHead | string {
  if (!isUtf8(bytes)) return 'its header is no UTF-8'
  const headers = readHeaders(bytes.toString())
  if (typeof headers === 'string') return headers
  const encoding = headers.get('content-transfer-encoding')
  if (encoding !== undefined && !plainEncodings.has(encoding.toLowerCase()))
    return `its content must not be encoded, found content-transfer-encoding ${encoding}`
  const disposition = readDisposition(headers.get('content-disposition'))
  if (typeof disposition === 'string') return disposition
  const contentType = headers.get('content-type')
  return contentType === undefined ? disposition : { ...disposition, contentType }
}

const plainEncodings = new Set(['7bit', '8bit', 'binary'])

/** @see RFC 9110 section 5.6.2 (token) */
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([^]*?)[\t ]*$/
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\0-\x08\x0a-\x1f\x7f]/

function readHeaders(text: string): Map<string, string> | string {
  const headers = new Map<string, string>()
  for (const line of text.split('\r\n')) {
    if (controls.test(line)) return 'its header has a control character'
    const [, name = '', value = ''] = headerLine.exec(line) ?? []
    if (name === '') return 'its header has a line that is no field'
    const key = name.toLowerCase()
    if (headers.has(key)) return `its header has ${key} twice`
    headers.set(key, value)
  }
  return headers
}

const dispositionType = /^form-data[\t ]*(?=;|$)/i
const parameter = /[\t ]*;[\t ]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"([^"]*)"|([^\s";,]+))[\t ]*(?=;|$)/y

function readDisposition(text: string | undefined): FormPartHead | string {
  const [type] = dispositionType.exec(text ?? '') ?? []
  if (text === undefined || type === undefined) return 'its header has no content-disposition: form-data'
  const parameters = readParameters(text, type.length)
  const name = parameters?.get('name')
  if (parameters === undefined || name === undefined || parameters.has('filename*'))
    return 'its content-disposition must be form-data; name="…", with or without filename="…"'
  const filename = parameters.get('filename')
  return filename === undefined ? { name } : { name, filename: baseName(filename) }
}

/** Undefined for what is no list of parameters, or names one twice. */
function readParameters(text: string, start: number): Map<string, string> | undefined {
  const parameters = new Map<string, string>()
  parameter.lastIndex = start
  for (let at = start; at < text.length; at = parameter.lastIndex) {
    const [, name = '', quoted, plain = ''] = parameter.exec(text) ?? []
    const key = name.toLowerCase()
    if (key === '' || parameters.has(key)) return undefined
    parameters.set(key, quoted?.replaceAll('%22', '"') ?? plain)
  }
  return parameters
}

/** Never a path, nor a name that means a folder. @see RFC 7578 section 4.2 */
function baseName(filename: string): string {
  const name = filename.slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1)
  return name === '.' || name === '..' ? '' : name
}
