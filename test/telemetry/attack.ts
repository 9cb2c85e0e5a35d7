import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage, METHODS } from 'node:http'
import { connect } from 'node:http2'

/** Callers that put a word wherever one can be put. */
export function openAttack(ports: { readonly http: number; readonly grpc: number }) {
  const agent = new Agent({ keepAlive: true })
  const session = connect(`http://127.0.0.1:${ports.grpc}`)
  const headersOf = (word: string) => ({
    'x-criticality': word,
    'x-tenant': word,
    'x-forwarded-proto': word,
    'user-agent': word,
    baggage: `${word}=${word}`,
    [word]: word,
  })
  return {
    overHttp: async (word: string, index: number) => {
      const path = index % 3 === 0 ? `/${word}/${word}` : `/v1/users/${word}`
      const method = index % 10 === 0 ? word.toUpperCase() : (methods[index % methods.length] ?? 'GET')
      const sent = httpRequest({
        agent,
        port: ports.http,
        path: `${path}?${word}=${word}`,
        method: index % 2 === 0 ? 'GET' : method,
        headers: { ...headersOf(word), host: `${word}.example.com` },
      })
      sent.end()
      // Methods that Node does not know are refused with the connection.
      const [response] = (await once(sent, 'response').catch(() => [])) as [IncomingMessage?]
      if (response) await response.resume().toArray()
    },
    overGrpc: async (word: string, index: number) => {
      const known = Buffer.from(word)
      const message = Buffer.from([0, 0, 0, 0, known.length + 2, 0x0a, known.length, ...known])
      const stream = session.request({
        ...headersOf(word),
        ':method': 'POST',
        ':path': index % 3 === 0 ? `/${word}/${word}` : '/shop.user.v1.UserService/GetUser',
        ':authority': `${word}.example.com`,
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      stream.end(index % 5 === 0 ? known : message)
      await stream
        .resume()
        .toArray()
        .catch(() => undefined)
    },
    [Symbol.dispose]: () => {
      agent.destroy()
      session.destroy()
    },
  }
}

/** All that Node knows, but for the one that is no request for an answer. */
const methods = METHODS.filter((method) => method !== 'CONNECT')
