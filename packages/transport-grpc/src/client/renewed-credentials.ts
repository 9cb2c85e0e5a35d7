import { createSecureContext } from 'node:tls'
import { ChannelCredentials, credentials, type experimental } from '@grpc/grpc-js'
import {
  type GrpcClientTlsOptions,
  hasFiles,
  isSameTls,
  readTls,
  readTlsNow,
  toContextOptions,
} from './grpc-client-tls.ts'

/**
 * Credentials for TLS; those in files are read again before each new connection.
 *
 * @throws ConfigError `config.malformed` when a file cannot be read or used.
 */
export function toSecureCredentials(tls: GrpcClientTlsOptions): ChannelCredentials {
  return hasFiles(tls) ? new RenewedCredentials(tls) : fromTexts(tls)
}

function fromTexts(tls: GrpcClientTlsOptions): ChannelCredentials {
  return credentials.createFromSecureContext(createSecureContext(toContextOptions(tls)))
}

type Target = Parameters<ChannelCredentials['_createSecureConnector']>

/** @see @grpc/grpc-js 1.14, transport.js: a connector is asked whether it is ready before each connection is made */
class RenewedCredentials extends ChannelCredentials {
  readonly #tls: GrpcClientTlsOptions
  #read: GrpcClientTlsOptions
  #current: ChannelCredentials

  constructor(tls: GrpcClientTlsOptions) {
    super()
    this.#tls = tls
    this.#read = readTlsNow(tls)
    this.#current = fromTexts(this.#read)
  }

  override _isSecure(): boolean {
    return true
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other
  }

  override _createSecureConnector(...target: Target): experimental.SecureConnector {
    let connector = this.#current._createSecureConnector(...target)
    return {
      waitForReady: async () => {
        await this.#renew()
        connector = this.#current._createSecureConnector(...target)
      },
      connect: (socket) => connector.connect(socket),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    }
  }

  /** Files that are being written do not fit together for a moment, and one that is gone may come back. */
  async #renew(): Promise<void> {
    try {
      const read = await readTls(this.#tls)
      if (isSameTls(read, this.#read)) return
      this.#current = fromTexts(read)
      this.#read = read
    } catch {
      // Whoever is called then says what is wrong with the old ones, if anything is.
    }
  }
}
