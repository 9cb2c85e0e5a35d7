import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'

/** The largest window. @see RFC 9113 section 6.9.1 */
const window = 2 ** 31 - 1

/** What no system keeps between two ends of a connection. */
export const largeBytes = 30_000_000

/** A client that takes answers of any size into its window, and that can stop to read. */
export interface StallingClient extends Disposable {
  readonly session: ClientHttp2Session
  stall(): void
  goOn(): void
}

export async function openStalling(port: number): Promise<StallingClient> {
  const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined)
  const carrier = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => void socket.write(chunk, () => done()),
  })
  socket.on('data', (chunk) => void carrier.push(chunk)).on('close', () => carrier.destroy())
  const session = connect(`http://localhost:${port}`, {
    createConnection: () => carrier,
    settings: { initialWindowSize: window },
  })
  session.on('error', () => undefined)
  await once(session, 'remoteSettings')
  session.setLocalWindowSize(window)
  const end = () => {
    session.destroy()
    socket.destroy()
  }
  return { session, stall: () => socket.pause(), goOn: () => socket.resume(), [Symbol.dispose]: end }
}
