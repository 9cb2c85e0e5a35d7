import { constants, Http2ServerResponse } from 'node:http2'
import { addFixed, type GivenHeaders, type HeadedReply, type ReplyMatter } from './reply-class.ts'

/** What of Node's class is used here, as it is: its types promise what its compatible form leaves out. */
type NodeReply = new (
  ...created: ConstructorParameters<typeof Http2ServerResponse>
) => HeadedReply & {
  readonly stream: Http2ServerResponse['stream']
  readonly writableEnded: boolean
  writeHead(statusCode: number, headers?: GivenHeaders): unknown
}

/**
 * The HTTP/2 replies of a server, with what the writers of replies ask of HTTP/1 ones and Node's compatible form leaves out.
 *
 * @see Node, class http2.Http2ServerResponse: it is no `Writable`
 */
export function http2ReplyClass(matter: ReplyMatter): typeof Http2ServerResponse {
  const Reply = class extends (Http2ServerResponse as unknown as NodeReply) {
    get destroyed(): boolean {
      return this.closed
    }

    get closed(): boolean {
      return this.stream.destroyed || this.stream.closed
    }

    /** Node ends the writable side of a stream that is reset, too. */
    get writableFinished(): boolean {
      return this.writableEnded && this.stream.writableFinished && this.stream.rstCode === constants.NGHTTP2_NO_ERROR
    }

    get writableNeedDrain(): boolean {
      return this.stream.writableNeedDrain
    }

    override writeHead(statusCode: number, message?: string | GivenHeaders, given?: GivenHeaders): unknown {
      const { fixedHeaders } = matter
      // HTTP/2 has no status text.
      const headers = withoutConnection(typeof message === 'object' ? message : given)
      return super.writeHead(statusCode, fixedHeaders === undefined ? headers : addFixed(this, fixedHeaders, headers))
    }
  }
  return Reply as unknown as typeof Http2ServerResponse
}

/** Fastify closes the connection behind a body that it could not read. @see RFC 9113 section 8.2.2: there is no such header */
function withoutConnection(headers: GivenHeaders | undefined): GivenHeaders | undefined {
  if (headers === undefined || Array.isArray(headers) || headers.connection === undefined) return headers
  const { connection: _connection, ...others } = headers
  return others
}
