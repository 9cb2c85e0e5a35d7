import { asBuffer } from '../../bytes.ts'

/** Bytes as a person can read them; never changed, only cut. */
export type ShownBytes =
  | { readonly form: 'none' }
  /** What the text says; numbers that JavaScript cannot hold are exact in the text alone. */
  | { readonly form: 'json'; readonly json: unknown; readonly text: string; readonly byteCount: number }
  | {
      /** Text is UTF-8 without control characters but tabs and ends of lines; everything else is base64. */
      readonly form: 'text' | 'base64'
      readonly text: string
      readonly byteCount: number
      /** Whether there is more than is shown. */
      readonly isCut: boolean
    }

/** @param mostByteCount More are not shown. */
export function showText(bytes: Uint8Array | null, mostByteCount: number): ShownBytes {
  if (bytes === null) return { form: 'none' }
  const byteCount = bytes.byteLength
  const isCut = byteCount > mostByteCount
  const shown = asBuffer(bytes).subarray(0, mostByteCount)
  const text = toText(shown, isCut)
  if (text !== undefined) return { form: 'text', text, byteCount, isCut }
  return { form: 'base64', text: shown.toString('base64'), byteCount, isCut }
}

/** As text, and as JSON where it is, and is shown as a whole. */
export function showPayload(bytes: Uint8Array | null, mostByteCount: number): ShownBytes {
  const shown = showText(bytes, mostByteCount)
  if (shown.form !== 'text' || shown.isCut) return shown
  const json = toJson(shown.text)
  return json === undefined ? shown : { form: 'json', json: json.value, text: shown.text, byteCount: shown.byteCount }
}

/** The value of JSON text; undefined for any other. */
export function toJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

/** Undefined for what is no text. A character that is cut in two at the end is left out. */
function toText(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut })
    return controls.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** Those that a terminal would obey, among them C1. */
const controls = /[^\P{Cc}\t\n\r]/u
