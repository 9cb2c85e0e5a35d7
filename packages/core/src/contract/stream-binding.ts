import { bytesRangeOf } from '../schema/native/bytes.ts'
import { isFormPart } from './form-part.ts'
import type { OperationSpec } from './operation.ts'
import { rawFieldOf } from './raw-body.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { isStream } from './stream.ts'

/** What a server-sent event carries beside its data. @see HTML Standard section 9.2, server-sent events */
export interface SseBinding {
  /**
   * The field of an output item that is the event's id. A caller that comes back sends the last one it saw as `Last-Event-ID`:
   * `headers: { after: 'last-event-id' }` gives it to the handler. An item without the field has no id.
   */
  readonly id?: string
  /** The text field of an output item that is the event's name; `error` is the name of the event that ends a failed stream. */
  readonly event?: string
  /** How long a caller waits before it connects again. @defaultValue the caller's own @remarks Range 0–3_600_000 ms */
  readonly retryMs?: number
}

/** How much a streamed body of bytes, or a form, may hold. What is beyond it is answered 413. */
export interface UploadBinding {
  /** The whole body. @defaultValue 1_073_741_824 @remarks Range 1–9_007_199_254_740_991 bytes */
  readonly maxBytes?: number
  /** The content of one part of a form. @defaultValue `maxBytes` @remarks Range 1–9_007_199_254_740_991 bytes */
  readonly maxPartBytes?: number
  /** Parts of a form. @defaultValue 1_000 @remarks Range 1–1_000_000 @see \@fastify/multipart, limits.parts: the same */
  readonly maxPartCount?: number
}

/** How streams of an operation stand in HTTP. */
export interface StreamBinding {
  /** For an output of items. */
  readonly sse?: SseBinding
  /**
   * After how long a silence an output of items sends a sign of life, so that no proxy takes the connection for dead: a comment
   * in events, an empty line in NDJSON. 0 for never.
   *
   * @defaultValue 15_000
   * @remarks Range 0–3_600_000 ms
   * @see HTML Standard section 9.2.7, which advises a comment every 15 seconds or so
   */
  readonly heartbeatMs?: number
  /** For an input of bytes or of parts of a form. */
  readonly upload?: UploadBinding
}

/** A `StreamBinding` with its defaults. */
export interface StreamSettings {
  readonly sse: SseBinding
  readonly heartbeatMs: number
  readonly upload: Required<UploadBinding>
}

/** What is used where a stream's binding leaves something out. */
export const streamDefaults = Object.freeze({ heartbeatMs: 15_000, maxBytes: 1_073_741_824, maxPartCount: 1_000 })

export interface StreamParts {
  readonly spec: Pick<OperationSpec, 'input' | 'output'>
  readonly input: JsonSchema
  readonly output: JsonSchema
  /** The input's fields that are read from elsewhere than the body. */
  readonly elsewhere: ReadonlySet<string>
}

/** The settings of an operation's streams over HTTP, and what is wrong with them. */
export function readStreamBinding(binding: StreamBinding, parts: StreamParts) {
  const { sse = {}, heartbeatMs = streamDefaults.heartbeatMs, upload = {} } = binding
  const { maxBytes = streamDefaults.maxBytes, maxPartCount = streamDefaults.maxPartCount } = upload
  const { maxPartBytes = maxBytes } = upload
  const settings: StreamSettings = Object.freeze({
    sse: Object.freeze({ ...sse }),
    heartbeatMs,
    upload: Object.freeze({ maxBytes, maxPartBytes, maxPartCount }),
  })
  return { settings, problems: [...findItemProblems(binding, parts), ...findUploadProblems(binding, parts)] }
}

function findItemProblems({ sse, heartbeatMs }: StreamBinding, { spec, output }: StreamParts): readonly string[] {
  if (sse === undefined && heartbeatMs === undefined) return []
  if (!isStream(spec.output) || rawFieldOf(output) || bytesRangeOf(output)?.mediaType !== undefined)
    return ['sse and heartbeatMs are for an output of items: expected output: stream(…) of something else than bytes']
  const stray = Object.keys(sse ?? {}).filter((key) => !['id', 'event', 'retryMs'].includes(key))
  return [
    ...stray.map((key) => `sse: "${key}" is no setting; expected id, event, retryMs`),
    ...requireTextOf(output, 'sse.id', sse?.id),
    ...requireTextOf(output, 'sse.event', sse?.event),
    ...requireCount('sse.retryMs', sse?.retryMs, { min: 0, max: longestMs }),
    ...requireCount('heartbeatMs', heartbeatMs, { min: 0, max: longestMs }),
  ]
}

function findUploadProblems({ upload }: StreamBinding, { spec, input, elsewhere }: StreamParts): readonly string[] {
  const hasForm = isFormPart(input)
  if (hasForm && !isStream(spec.input)) return ['formPart() is an item of a stream: expected input: stream(formPart())']
  if (upload === undefined) return []
  if (!isStream(spec.input) || !(hasForm || rawFieldOf(input, elsewhere)))
    return [
      'upload is for an input of bytes or of a form: expected stream() of one field of bytes with a media type, or of formPart()',
    ]
  const stray = Object.keys(upload).filter((key) => !['maxBytes', 'maxPartBytes', 'maxPartCount'].includes(key))
  return [
    ...stray.map((key) => `upload: "${key}" is no setting; expected maxBytes, maxPartBytes, maxPartCount`),
    ...requireCount('upload.maxBytes', upload.maxBytes, { min: 1, max: Number.MAX_SAFE_INTEGER }),
    ...requireCount('upload.maxPartBytes', upload.maxPartBytes, { min: 1, max: Number.MAX_SAFE_INTEGER }),
    ...requireCount('upload.maxPartCount', upload.maxPartCount, { min: 1, max: 1_000_000 }),
  ]
}

/** The longest time a call may be told to take. */
const longestMs = 3_600_000

interface Range {
  readonly min: number
  readonly max: number
}

function requireCount(name: string, value: number | undefined, { min, max }: Range): readonly string[] {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min && value <= max)) return []
  return [`${name} must be a whole number from ${min} to ${max}, found ${String(value)}`]
}

/** A field whose value is one line of an event: text, or a number, which an `int64()` is too. */
function requireTextOf(output: JsonSchema, where: string, name: string | undefined): readonly string[] {
  if (name === undefined) return []
  const properties = (output['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>
  const field = Object.hasOwn(properties, name) ? properties[name] : undefined
  if (field === undefined) return [`${where}: "${name}" is no field of an item of the output`]
  const isText = ['string', 'integer'].includes(String(field['type'])) && !bytesRangeOf(field)
  return isText ? [] : [`${where}: field "${name}" must be text or a whole number`]
}
