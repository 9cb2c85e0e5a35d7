import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of what is sent to a Collector. */
export type CollectorState = 'takes all' | 'hangs' | 'refuses' | 'is gone'

export interface Collector extends AsyncDisposable {
  readonly endpoint: string
}

/** A Collector by its wire only, OTLP over HTTP; one that is gone was there a moment ago. */
export async function openCollector(state: CollectorState): Promise<Collector> {
  const server = createServer((request, response) => {
    request.resume()
    if (state === 'hangs') return
    request.on('end', () => {
      if (state === 'refuses') response.writeHead(503, { 'retry-after': '1' })
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  if (state === 'is gone') await close()
  return { endpoint: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close }
}
