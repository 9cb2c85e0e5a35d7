import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a request for a token asked for. */
export interface AskedToken {
  readonly authorization: string | undefined
  readonly form: Readonly<Record<string, string>>
}

/** Answers a request for a token. */
export type Answer = (asked: AskedToken, reply: ServerResponse, request: IncomingMessage) => void

const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** Answers with JSON. */
export const json =
  (value: unknown, status = 200): Answer =>
  (_asked, reply) => {
    reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }

/** What a right reply says. */
export const right = { token_type: 'Bearer', expires_in: 600, issued_token_type: accessToken }

/** Gives whoever asks a token that names the subject, or the client where there is none. */
export const issue: Answer = (asked, reply, request) =>
  json({ ...right, access_token: `for-${asked.form['subject_token'] ?? 'client'}` })(asked, reply, request)

/** A token endpoint on this host, which notes what it is asked for. */
export async function openTokenEndpoint(answer: Answer = issue) {
  const state = { answer, asked: [] as AskedToken[] }
  const server = createServer(async (request, reply) => {
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(await request.toArray()).toString()))
    const asked = { authorization: request.headers.authorization, form }
    state.asked.push(asked)
    state.answer(asked, reply, request)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}/token`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
