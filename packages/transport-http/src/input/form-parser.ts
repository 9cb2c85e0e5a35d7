import type { BusboyFileStream, BusboyInstance } from '@fastify/busboy'
import type { FormPartHead } from '@tenon/core/contract'
import { invalidArgument, type ServiceError } from '@tenon/core/transport'
import { requestFault } from '../http-status.ts'

/** What comes next in a form. */
export type FormEvent = { readonly part: FormPartHead } | { readonly chunk: Buffer }

/** Takes a form apart, a piece at a time. */
export interface FormParser {
  /** Resolves when everything that the piece holds can be taken. Each is taken before the next is written. */
  write(piece: Buffer): Promise<void>
  /** Says that no more comes. Resolves when the rest can be taken. */
  end(): Promise<void>
  /**
   * The next event, or undefined where the form does not go on yet.
   *
   * @throws ServiceError `invalid_argument` for what is no form, `resource_exhausted` with reason `too_many_parts`; behind the
   * events that came before.
   */
  take(): FormEvent | undefined
}

export interface FormSettings {
  /** As `content-type` has it, without quotes. */
  readonly boundary: string
  readonly maxPartCount: number
}

export type OpenForm = (settings: FormSettings) => FormParser

/**
 * How much of the header section of a part is read; what is behind it is passed over. A guess: three fields and a long file name
 * take less than 1 KiB.
 */
export const maxHeadBytes = 8_192

/** Loads the library that reads forms. The only place that knows it. */
export async function loadFormParser(): Promise<OpenForm> {
  const { Busboy } = await import('@fastify/busboy')
  return ({ boundary, maxPartCount }) => {
    const busboy = new Busboy({
      headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
      // Each part is given as it comes: fields would be kept until they are whole.
      isPartAFile: () => true,
      limits: { headerSize: maxHeadBytes, parts: maxPartCount },
    })
    return new BusboyForm(busboy, maxPartCount)
  }
}

/** A part that was found, and what of its content waits to be taken. */
interface FoundPart {
  /** Until it is taken. */
  head: FormPartHead | ServiceError | undefined
  readonly chunks: Buffer[]
  hasEnded: boolean
}

/** What the library says of a part. */
type FoundFile = [
  name: string | undefined,
  file: BusboyFileStream,
  filename: string | undefined,
  encoding: string,
  contentType: string,
]

/**
 * The library pushes what it finds and says nothing of a slow reader while parts are small. What holds a caller back is that
 * nothing is written until all before was taken.
 */
class BusboyForm implements FormParser {
  readonly #busboy: BusboyInstance
  /** Which may be before the end, where something follows the last boundary. */
  readonly #finished: Promise<void>
  readonly #parts: FoundPart[] = []
  #partCount = 0
  #last: FoundPart | undefined
  #failure: ServiceError | undefined

  constructor(busboy: BusboyInstance, maxPartCount: number) {
    this.#busboy = busboy
    this.#finished = new Promise((resolve) => busboy.once('finish', resolve).once('error', () => resolve()))
    busboy.on('file', (...found: FoundFile) => this.#add(found))
    busboy.once('partsLimit', () => {
      this.#failure ??= requestFault('too_many_parts', `the form must have at most ${maxPartCount} parts`)
    })
    busboy.on('error', (cause) => {
      const message = `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`
      this.#failure ??= malformed(this.#last?.hasEnded === false ? this.#partCount - 1 : this.#partCount, message)
    })
  }

  async write(piece: Buffer): Promise<void> {
    await new Promise<void>((resolve) => this.#busboy.write(piece, () => resolve()))
    await handedOn()
  }

  async end(): Promise<void> {
    this.#busboy.end()
    await this.#finished
    await handedOn()
  }

  take(): FormEvent | undefined {
    for (let [part] = this.#parts; part !== undefined; [part] = this.#parts) {
      const event = takeOf(part)
      if (event) return event
      if (!part.hasEnded) break
      this.#parts.shift()
    }
    if (this.#failure) throw this.#failure
    return undefined
  }

  #add([name, file, filename, encoding, contentType]: FoundFile): void {
    const index = this.#partCount
    this.#partCount += 1
    const head = readHead({ index, name, filename, encoding, contentType })
    const part: FoundPart = { head, chunks: [], hasEnded: false }
    this.#parts.push(part)
    this.#last = part
    file.on('data', (chunk: Buffer) => void part.chunks.push(chunk))
    file.once('end', () => {
      part.hasEnded = true
    })
    // What breaks off here is what the form as a whole fails with.
    file.on('error', () => undefined)
  }
}

function takeOf(part: FoundPart): FormEvent | undefined {
  const { head } = part
  if (head === undefined) {
    const chunk = part.chunks.shift()
    return chunk && { chunk }
  }
  if (head instanceof Error) throw head
  part.head = undefined
  return { part: head }
}

/** The library's streams hand on what they were given in ticks of their own, all of which are over before a promise goes on. */
function handedOn(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

interface FoundHead {
  readonly index: number
  readonly name: string | undefined
  readonly filename: string | undefined
  readonly encoding: string
  readonly contentType: string
}

const plainEncodings: readonly string[] = ['7bit', '8bit', 'binary']
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\0-\x08\x0a-\x1f\x7f]/

/** What is wrong with a head is told in its turn. */
function readHead({ index, name, filename, encoding, contentType }: FoundHead): FormPartHead | ServiceError {
  if (name === undefined) return malformed(index, 'must have a name, found content-disposition without it')
  if (controls.test([name, filename, contentType].join(' ')))
    return malformed(index, 'has a control character in its header')
  if (!plainEncodings.includes(encoding))
    return malformed(index, `must not be encoded, found content-transfer-encoding ${encoding}`)
  // What a field is taken for when nothing is said; whether something was said, the library does not tell.
  const isPlain = filename === undefined && contentType === 'text/plain'
  return {
    name: unquoted(name),
    ...(filename !== undefined && { filename: unquoted(filename) }),
    ...(!isPlain && { contentType }),
  }
}

/** As browsers and curl write a quote. @see HTML Standard, multipart form data */
function unquoted(text: string): string {
  return text.replaceAll('%22', '"')
}

/** Named by the number of the part it is about, from 0. */
function malformed(index: number, message: string): ServiceError {
  return invalidArgument([{ field: `/parts/${index}`, message, rule: 'multipart' }])
}
