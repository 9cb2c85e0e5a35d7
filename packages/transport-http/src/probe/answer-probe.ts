import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TransportHost } from '@tenon/core/transport'
import { isReserved } from '../server/reserve.ts'
import type { ProbeSettings } from './probe-options.ts'

/** Answers a request that is a probe; tells whether it was one. */
export type AnswerProbe = (request: IncomingMessage, reply: ServerResponse) => boolean

/** Compiles what answers probes before anything of the app sees them. Exact paths only: what is no probe goes on. */
export function compileProbes(probes: ProbeSettings, { answerProbe }: Pick<TransportHost, 'answerProbe'>): AnswerProbe {
  if (probes.size === 0 || answerProbe === undefined) return () => false
  return (request, reply) => {
    const { method, url = '', headers, httpVersionMajor } = request
    const at = url.indexOf('?')
    const name = probes.get(at < 0 ? url : url.slice(0, at))
    if (name === undefined) return false
    const query = at < 0 ? undefined : url.slice(at + 1)
    const answer = answerProbe(name, { method, query, headers })
    for (const [header, value] of Object.entries(answer.headers)) reply.setHeader(header, value)
    reply.setHeader('content-length', Buffer.byteLength(answer.body))
    // It would keep the place from the next probe.
    if (httpVersionMajor === 1 && isReserved(request)) reply.setHeader('connection', 'close')
    reply.writeHead(answer.status)
    reply.end(method === 'HEAD' ? undefined : answer.body)
    return true
  }
}
