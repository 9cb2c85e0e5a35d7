import type { SecureContext } from 'node:tls'
import { ChannelCredentials, credentials, type experimental } from '@grpc/grpc-js'
import { type GrpcClientTlsOptions, hasFiles, toSecureContext } from './grpc-client-tls.ts'
import { RenewedFiles } from './renewed-files.ts'

/**
 * Credentials for TLS; those in files are read again before each new connection.
 *
 * @throws ConfigError `config.malformed` when a file cannot be read or used.
 */
export function toSecureCredentials(tls: GrpcClientTlsOptions): ChannelCredentials {
  if (hasFiles(tls)) return new RenewedCredentials(RenewedFiles.of(tls))
  return credentials.createFromSecureContext(toSecureContext(tls))
}

type Target = Parameters<ChannelCredentials['_createSecureConnector']>

/** @see @grpc/grpc-js 1.14, transport.js: a connector is asked whether it is ready before each connection is made */
class RenewedCredentials extends ChannelCredentials {
  readonly #files: RenewedFiles
  #context: SecureContext
  #current: ChannelCredentials

  constructor(files: RenewedFiles) {
    super()
    this.#files = files
    this.#context = files.context
    this.#current = credentials.createFromSecureContext(files.context)
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
        await this.#files.renew()
        this.#follow()
        connector = this.#current._createSecureConnector(...target)
      },
      connect: (socket) => connector.connect(socket),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    }
  }

  #follow(): void {
    const { context } = this.#files
    if (context === this.#context) return
    this.#context = context
    this.#current = credentials.createFromSecureContext(context)
  }
}
