import type { SecureContext } from 'node:tls'
import { ConfigError } from '@tenon/core/transport'
import { type GrpcClientTlsOptions, readTls, readTlsNow, toSecureContext } from './grpc-client-tls.ts'

/** The certificates of a client, of which some are in files. */
export class RenewedFiles {
  readonly #tls: GrpcClientTlsOptions
  /** What `#context` was made from. */
  #texts: string
  #context: SecureContext
  /** What was found last, and cannot be used. */
  #passedOver: string | undefined

  /** The same for all connections of a client: one that is opened later begins with what works. @throws ConfigError `config.malformed` */
  static of(tls: GrpcClientTlsOptions): RenewedFiles {
    const files = known.get(tls) ?? new RenewedFiles(tls)
    known.set(tls, files)
    return files
  }

  private constructor(tls: GrpcClientTlsOptions) {
    const read = readTlsNow(tls)
    this.#tls = tls
    this.#texts = JSON.stringify(read)
    this.#context = toSecureContext(read)
  }

  /** Of what could be used last. */
  get context(): SecureContext {
    return this.#context
  }

  /** Reads the files. Those that are being written do not fit together for a moment, and one that is gone may come back. */
  async renew(): Promise<void> {
    let texts: string | undefined
    try {
      const read = await readTls(this.#tls)
      texts = JSON.stringify(read)
      if (texts === this.#passedOver) return
      if (texts !== this.#texts) this.#context = toSecureContext(read)
      this.#texts = texts
      this.#passedOver = undefined
    } catch (error) {
      this.#passOver(texts, error)
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

const known = new WeakMap<GrpcClientTlsOptions, RenewedFiles>()
