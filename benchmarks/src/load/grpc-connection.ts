import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { GrpcCall } from './grpc-call.ts'
import { GrpcRequest } from './grpc-request.ts'
import { HeaderReader } from './header-reader.ts'
import {
  type Frame,
  frameFlags,
  FrameReader,
  frameTypes,
  preface,
  writeFrame,
  writeSettings,
  writeWindowUpdate,
} from './http2-frame.ts'
import type { Lane } from './lane.ts'

/** A call on its way. */
interface Exchange {
  readonly answered: () => void
  receivedBytes: number
}

/** The window before anything is said of it. @see RFC 9113 section 6.9.2 */
const initialWindowBytes = 65_535
const largestWindowBytes = 0x7fff_ffff

/**
 * One HTTP/2 connection that makes the same call over and over, many at a time. Like the one for HTTP/1.1 it must cost less than any
 * server, so it is a plain socket that writes frames made beforehand. Every byte of a reply and its status are looked at. Servers
 * may send what they like at once; what they grant for requests is kept to.
 */
export class GrpcConnection implements Lane {
  readonly #socket: Socket
  readonly #request: GrpcRequest
  readonly #reply: Buffer
  readonly #frames = new FrameReader()
  readonly #headers = new HeaderReader()
  readonly #exchanges = new Map<number, Exchange>()
  readonly #waiting: (() => void)[] = []
  #windowBytes = initialWindowBytes
  #nextStreamId = 1
  #failed: (error: Error) => void = () => undefined

  private constructor(socket: Socket, call: GrpcCall) {
    this.#socket = socket
    this.#request = new GrpcRequest(call)
    this.#reply = call.reply
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#failed(error))
    socket.on('close', () => this.#failed(new Error('the server closed the connection')))
    socket.write(Buffer.concat([preface, writeSettings(ownSettings), ownWindow]))
  }

  static async open(port: number, call: GrpcCall): Promise<GrpcConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new GrpcConnection(socket, call)
  }

  onFailure(failed: (error: Error) => void): void {
    this.#failed = failed
  }

  exchange(answered: () => void): void {
    if (this.#windowBytes < this.#request.bodyBytes) {
      this.#waiting.push(answered)
      return
    }
    this.#windowBytes -= this.#request.bodyBytes
    this.#exchanges.set(this.#nextStreamId, { answered, receivedBytes: 0 })
    this.#socket.write(this.#request.write(this.#nextStreamId))
    this.#nextStreamId += 2
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #receive(chunk: Buffer): void {
    // The calls that these answers let begin go out in one piece.
    this.#socket.cork()
    try {
      this.#frames.read(chunk, (frame) => this.#take(frame))
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#socket.uncork()
    }
  }

  #take(frame: Frame): void {
    const { type, flags, payload, streamId } = frame
    if (type === frameTypes.data) this.#takeData(frame)
    else if (type === frameTypes.headers) this.#takeHeaders(frame)
    else if (type === frameTypes.windowUpdate) this.#takeWindow(frame)
    else if (type === frameTypes.settings && !(flags & frameFlags.acknowledges)) this.#acknowledge(frame)
    else if (type === frameTypes.ping && !(flags & frameFlags.acknowledges)) this.#acknowledge(frame)
    else if (type === frameTypes.reset || type === frameTypes.goAway) {
      throw new Error(`the server broke off stream ${streamId} with ${payload.toString('hex')}`)
    }
  }

  #takeData({ flags, streamId, payload }: Frame): void {
    const exchange = this.#exchanges.get(streamId)
    if (exchange === undefined || flags & (frameFlags.padded | frameFlags.endStream)) {
      throw new Error(`expected no such data on stream ${streamId}: ${payload.toString('hex')}`)
    }
    const start = exchange.receivedBytes
    exchange.receivedBytes += payload.length
    const isExpected =
      exchange.receivedBytes <= this.#reply.length && payload.compare(this.#reply, start, exchange.receivedBytes) === 0
    if (!isExpected)
      throw new Error(`a reply is not the expected one from byte ${start} on: ${payload.toString('hex')}`)
  }

  #takeHeaders({ flags, streamId, payload }: Frame): void {
    if (flags & (frameFlags.padded | frameFlags.priority) || !(flags & frameFlags.endHeaders)) {
      throw new Error('expected headers in one frame, without padding and priority')
    }
    const isOk = this.#headers.isOk(payload)
    if (!(flags & frameFlags.endStream)) return
    const exchange = this.#exchanges.get(streamId)
    this.#exchanges.delete(streamId)
    if (!isOk) throw new Error(`a call failed: ${payload.toString('latin1')}`)
    if (exchange?.receivedBytes !== this.#reply.length) throw new Error('a reply is shorter than expected')
    exchange.answered()
  }

  #takeWindow({ streamId, payload }: Frame): void {
    if (streamId !== 0) return
    this.#windowBytes += payload.readUInt32BE()
    for (const answered of this.#waiting.splice(0)) this.exchange(answered)
  }

  #acknowledge({ type, payload }: Frame): void {
    const echo = type === frameTypes.ping ? payload : Buffer.alloc(0)
    this.#socket.write(writeFrame({ type, flags: frameFlags.acknowledges, streamId: 0, payload: echo }))
  }
}

/** No pushes, and streams as long as they like. @see RFC 9113 section 6.5.2: ENABLE_PUSH, INITIAL_WINDOW_SIZE */
const ownSettings = [
  [2, 0],
  [4, largestWindowBytes],
] as const
const ownWindow = writeWindowUpdate(largestWindowBytes - initialWindowBytes)
