import type { Readable } from 'node:stream'
import { MIMEType } from 'node:util'
import type { UploadBinding } from '@tenon/core/contract'
import type { ServiceError } from '@tenon/core/transport'
import { requestFault } from '../http-status.ts'
import { chunksOf } from './body-chunks.ts'
import type { FormParser, OpenForm } from './form-parser.ts'
import { toPlainView, bodyTooLarge } from './read-chunks.ts'
import { rawType, requireType } from './media-type.ts'
import type { InputSource } from './read-input.ts'

type UploadLimits = Required<UploadBinding>

/**
 * Reads a form as items of an input stream: the head of each part, then the pieces of its content as they come.
 *
 * @throws ServiceError `invalid_argument` with reason `unsupported_media_type` or `malformed_header`; it or a step fails with
 * `resource_exhausted` and reason `body_too_large` or `too_many_parts`, a step with `invalid_argument` for what is no form, or with
 * `cancelled` when the caller leaves.
 */
export function compilePartsReader(
  limits: UploadLimits,
  openForm: OpenForm | undefined,
): (source: InputSource) => AsyncIterable<unknown> {
  if (openForm === undefined) throw new Error('the library that reads forms must be loaded before it is used')
  return ({ headers, body }) => {
    if (body === undefined || Buffer.isBuffer(body)) return noParts()
    requireType(headers, formType)
    const boundary = boundaryOf(headers['content-type'] ?? '')
    if (Number(headers['content-length']) > limits.maxBytes) throw bodyTooLarge(limits.maxBytes)
    return readParts(body, () => openForm({ boundary, maxPartCount: limits.maxPartCount }), new FormGauge(limits))
  }
}

const formType = rawType('multipart/form-data')

async function* noParts(): AsyncGenerator<unknown> {}

/** @see RFC 2046 section 5.1.1, bchars */
const boundaryForm = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/

function boundaryOf(contentType: string): string {
  const boundary = readBoundary(contentType)
  if (boundary !== null && boundaryForm.test(boundary)) return boundary
  const message = 'content-type must name a boundary of 1 to 70 characters'
  throw requestFault('malformed_header', message, { header: 'content-type' })
}

function readBoundary(contentType: string): string | null {
  try {
    return new MIMEType(contentType).params.get('boundary')
  } catch {
    return null
  }
}

async function* readParts(payload: Readable, open: () => FormParser, gauge: FormGauge): AsyncGenerator<unknown> {
  const form = open()
  for await (const piece of chunksOf(payload)) {
    gauge.addBody(piece.length)
    await form.write(piece)
    yield* itemsOf(form, gauge)
  }
  // A form without any part may be sent as nothing.
  if (gauge.isEmpty) return
  await form.end()
  yield* itemsOf(form, gauge)
}

function* itemsOf(form: FormParser, gauge: FormGauge): Generator<unknown> {
  for (let event = form.take(); event !== undefined; event = form.take()) {
    if ('part' in event) {
      gauge.addPart()
      yield event
    } else {
      gauge.addContent(event.chunk.length)
      yield { chunk: toPlainView(event.chunk) }
    }
  }
}

/** Counts what has come of a form, and says when it is too much. */
class FormGauge {
  readonly #limits: UploadLimits
  #bodyBytes = 0
  #partBytes = 0
  #partCount = 0

  constructor(limits: UploadLimits) {
    this.#limits = limits
  }

  get isEmpty(): boolean {
    return this.#bodyBytes === 0
  }

  addBody(lengthBytes: number): void {
    this.#bodyBytes += lengthBytes
    if (this.#bodyBytes > this.#limits.maxBytes) throw bodyTooLarge(this.#limits.maxBytes)
  }

  addPart(): void {
    this.#partCount += 1
    this.#partBytes = 0
  }

  addContent(lengthBytes: number): void {
    this.#partBytes += lengthBytes
    if (this.#partBytes > this.#limits.maxPartBytes) throw this.#partTooLarge()
  }

  #partTooLarge(): ServiceError {
    const message = `must be at most ${this.#limits.maxPartBytes} bytes`
    const field = `/parts/${this.#partCount - 1}`
    return requestFault('body_too_large', `part ${field} ${message}`, {
      violations: [{ field, message, rule: 'maxBytes' }],
    })
  }
}
