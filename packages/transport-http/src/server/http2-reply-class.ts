import { Http2ServerResponse } from 'node:http2'
import { addFixed, type GivenHeaders, type HeadedReply, type ReplyMatter } from './reply-class.ts'

/** What of Node's class is used here, as it is: its types promise what its compatible form leaves out. */
type NodeReply = new (
  ...created: ConstructorParameters<typeof Http2ServerResponse>
) => HeadedReply & {
  readonly stream: Http2ServerResponse['stream']
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

    get writableNeedDrain(): boolean {
      return this.stream.writableNeedDrain
    }

    override writeHead(statusCode: number, message?: string | GivenHeaders, given?: GivenHeaders): unknown {
      const { fixedHeaders } = matter
      // HTTP/2 has no status text.
      const headers = typeof message === 'object' ? message : given
      return super.writeHead(statusCode, fixedHeaders === undefined ? headers : addFixed(this, fixedHeaders, headers))
    }
  }
  return Reply as unknown as typeof Http2ServerResponse
}
