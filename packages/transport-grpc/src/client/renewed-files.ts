import type { SecureContext } from 'node:tls'
import { ConfigError } from '@tenon/core/transport'
import { type GrpcClientTlsOptions, readTls, readTlsNow, toSecureContext } from './grpc-client-tls.ts'

/** The certificates of a client, of which some are in files. */
export class RenewedFiles {
  readonly #tls: GrpcClientTlsOptions
  readonly #readFiles: typeof readTls
  /** What `#context` was made from. */
  #texts: string
  #context: SecureContext
  /** What was found last, and cannot be used. */
  #passedOver: string | undefined
  #begunCount = 0
  /** Which of the reads that were begun was taken last. */
  #takenTurn = 0

  /** The same for all connections of a client: one that is opened later begins with what works. @throws ConfigError `config.malformed` */
  static of(tls: GrpcClientTlsOptions, readFiles = readTls): RenewedFiles {
    const files = known.get(tls) ?? new RenewedFiles(tls, readFiles)
    known.set(tls, files)
    return files
  }

  private constructor(tls: GrpcClientTlsOptions, readFiles: typeof readTls) {
    const read = readTlsNow(tls)
    this.#tls = tls
    this.#readFiles = readFiles
    this.#texts = JSON.stringify(read)
    this.#context = toSecureContext(read)
  }

  /** Of what could be used last. */
  get context(): SecureContext {
    return this.#context
  }

  /**
   * Reads the files. Those that are being written do not fit together for a moment, and one that is gone may come back. What is read
   * for one connection may end behind what was begun later for another, and is older then.
   */
  async renew(): Promise<void> {
    this.#begunCount += 1
    const turn = this.#begunCount
    const found = await this.#find()
    if (turn < this.#takenTurn) return
    this.#takenTurn = turn
    this.#take(found)
  }

  async #find(): Promise<Found> {
    try {
      const read = await this.#readFiles(this.#tls)
      return { read, texts: JSON.stringify(read) }
    } catch (error) {
      return { error, texts: undefined }
    }
  }

  #take({ read, texts, error }: Found): void {
    if (read === undefined) return this.#passOver(texts, error)
    if (texts === this.#passedOver) return
    try {
      if (texts !== this.#texts) this.#context = toSecureContext(read)
      this.#texts = texts
      this.#passedOver = undefined
    } catch (unusable) {
      this.#passOver(texts, unusable)
    }
  }

  /** Tells of it once. Clients have no log; and of an error only what names options, for others may quote a path. */
  #passOver(texts: string | undefined, error: unknown): void {
    const found = error instanceof ConfigError ? error.message : 'grpcClient: the files of tls cannot be used'
    const state = texts ?? found
    if (state === this.#passedOver) return
    this.#passedOver = state
    process.emitWarning(`${found}; new connections go on with what was read before`, { code: 'TENON_GRPC_TLS' })
  }
}

/** What the files held, or why they cannot be read. */
type Found =
  | { readonly read: GrpcClientTlsOptions; readonly texts: string; readonly error?: undefined }
  | { readonly read?: undefined; readonly texts: undefined; readonly error: unknown }

const known = new WeakMap<GrpcClientTlsOptions, RenewedFiles>()
