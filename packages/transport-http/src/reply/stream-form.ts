import type { SseBinding } from '@tenon/core/contract'
import type { JsonWriter } from '@tenon/core/transport'
import { acceptRatio } from './accept.ts'
import type { Problem } from './problem.ts'

/** How the items of a stream stand on the wire. */
export interface StreamForm {
  readonly contentType: string
  /** Comes before the first item. */
  readonly beginning: string
  /** A sign of life that is no item. */
  readonly heartbeat: string
  item(item: unknown): string
  problem(value: Problem): string
}

/** Chooses the form by an `Accept` header. */
export type ChooseForm = (accept: string | undefined) => StreamForm

/** Decides at boot how the items of an operation are written: as lines of JSON, or as events. */
export function compileForms(writeJson: JsonWriter, sse: SseBinding): ChooseForm {
  const ndjson = lines(writeJson)
  const events = eventStream(writeJson, sse)
  return (accept) => {
    // Whoever takes anything gets lines: only a browser's EventSource needs events, and it names them.
    if (accept === undefined || !/text\/event-stream/i.test(accept)) return ndjson
    const ratio = acceptRatio(accept, 'text/event-stream') ?? 0
    return ratio > 0 && ratio >= (acceptRatio(accept, 'application/x-ndjson') ?? 0) ? events : ndjson
  }
}

/**
 * One JSON text a line; a stream that failed ends with a line that holds nothing but the problem.
 *
 * @see The NDJSON specification, section 3.2: a reader may ignore empty lines
 */
function lines(writeJson: JsonWriter): StreamForm {
  return {
    contentType: 'application/x-ndjson; charset=utf-8',
    beginning: '',
    heartbeat: '\n',
    item: (item) => `${writeJson(item)}\n`,
    problem: (value) => `${JSON.stringify({ error: value })}\n`,
  }
}

/** @see HTML Standard section 9.2, server-sent events */
function eventStream(writeJson: JsonWriter, { id, event, retryMs }: SseBinding): StreamForm {
  const fields = [
    ...(event === undefined ? [] : [{ name: 'event', field: event }]),
    ...(id === undefined ? [] : [{ name: 'id', field: id }]),
  ]
  const head = (item: unknown) =>
    fields.map(({ name, field }) => eventLine(name, Reflect.get(Object(item), field))).join('')
  return {
    contentType: 'text/event-stream; charset=utf-8',
    beginning: retryMs === undefined ? '' : `retry: ${retryMs}\n\n`,
    heartbeat: ':\n\n',
    item:
      fields.length === 0
        ? (item) => `data: ${writeJson(item)}\n\n`
        : (item) => `${head(item)}data: ${writeJson(item)}\n\n`,
    problem: (value) => `event: error\ndata: ${JSON.stringify(value)}\n\n`,
  }
}

/** A line of its own: what breaks a line would begin another field, and a reader drops an id with a null. */
function eventLine(name: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return ''
  const text = String(value)
  if (/[\r\n\0]/.test(text)) throw new TypeError(`the ${name} of an event must be one line without a null character`)
  return `${name}: ${text}\n`
}
