import Format from 'typebox/format'
import { fromBase64 } from '../native/base64.ts'
import { type Refinement, refinement } from './refinement.ts'

/** The formats that the validator does not know, or takes for more than they are. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  byte: (text) => fromBase64(text) !== undefined,
  // The validator also takes a time zone's name behind it, which few readers of a date and time understand.
  'date-time': (text) => !text.includes('[') && Format.IsDateTime(text),
}

/** The check of a format that the validator must not check itself; undefined for all others. */
export function formatCheck(format: unknown): Refinement | undefined {
  if (typeof format !== 'string' || !Object.hasOwn(formats, format)) return undefined
  const isFormat = formats[format]
  if (isFormat === undefined) return undefined
  const fault = { keyword: 'format', params: { format }, message: `must match format "${format}"` }
  return refinement((value) => typeof value !== 'string' || isFormat(value), fault)
}
