import { randomBytes } from 'node:crypto'
import { apiKeyAuthenticator, firstOf, jwtAuthenticator } from '@tenon/auth'
import { defineHandler, defineService, type Secret, secret, text } from '@tenon/core'
import { contract, contractInfo } from '@tenon/core/contract'
import type { ConformanceHarness } from '@tenon/testing/conformance'
import { capturedLog, type LogLine } from '../../packages/testing/src/captured-log.ts'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { recordTelemetry } from '../../packages/core/src/telemetry/recorded.test-harness.ts'
import { grpcHarness } from '../conformance/grpc-harness.ts'
import { httpHarness } from '../conformance/http-harness.ts'
import { http2Harness } from '../conformance/http2-harness.ts'
import { queueHarness } from '../conformance/queue-harness.ts'

const Empty = Type.Object({})
const vault = contract('tenon.test.v1.SecretService', {
  open: {
    input: Type.Object({ key: Type.String(), password: secret(Type.String({ maxLength: 4 })) }),
    output: Empty,
    access: 'public',
    http: 'POST /v1/open',
    // The topic whose dead letters the harness knows.
    queue: { topic: 'tenon.conformance.act.v1', key: 'key' },
  },
})
const [operation] = contractInfo(vault).operations

/** Where callers put what must not be seen. */
const placements: Readonly<Record<string, (word: string) => Readonly<Record<string, string>>>> = {
  'a bearer token': (word) => ({ authorization: `Bearer ${word}` }),
  'a token with the form of one': (word) => ({ authorization: `Bearer ${word}.${word}.${word}` }),
  'a password of Basic': (word) => ({ authorization: `Basic ${word}` }),
  'a scheme that nobody knows': (word) => ({ authorization: word }),
  'an API key': (word) => ({ 'x-api-key': `shop_${word}` }),
  'a cookie': (word) => ({ cookie: `session=${word}` }),
  'a header of somebody else': (word) => ({ 'x-auth-token': word, 'proxy-authorization': `Basic ${word}` }),
}

/** What operators show, to look into the service. */
const adminToken = 'zq-the-token-of-the-operators'

/** What metrics tell of calls. */
const durations = ['http.server.request.duration', 'rpc.server.call.duration', 'messaging.process.duration']

/** A service whose setting is a secret, which its handler puts wherever it can. */
async function serve(harness: ConformanceHarness, word: string) {
  const lines: LogLine[] = []
  const stop: { now?: () => Promise<unknown> } = {}
  const described: { text?: () => string; httpUrl?: string; infoUrl?: string } = {}
  const peer = await harness.start({
    start: async (...transports) => {
      const given: { token?: Secret } = {}
      const service = defineService({
        name: 'conformance',
        version: '1.0.0',
        admin: { port: 0, token: adminToken },
        config: { token: secret(text('SERVICE_TOKEN')) },
        authenticate: firstOf(
          jwtAuthenticator({ issuer: 'a', audience: 'b', algorithms: ['HS256'], secret: word.repeat(2) }),
          apiKeyAuthenticator({ keys: [] }),
        ),
        handlers: [
          defineHandler(vault, () => ({
            open: (_input, { log }) => {
              log.info({ token: given.token, nested: { token: given.token } }, `uses ${String(given.token)}`)
              throw new Error(`cannot use ${String(given.token)}`, { cause: given.token })
            },
          })),
        ],
        transports: ({ token }) => {
          given.token = token
          return transports
        },
      })
      const started = await service.start({ environment: { SERVICE_TOKEN: word }, log: capturedLog(lines) })
      described.text = () => JSON.stringify(service.describe())
      const http = started.addresses.find(({ protocol }) => protocol === 'http')
      if (http && harness !== http2Harness) described.httpUrl = `http://127.0.0.1:${http.port}`
      const admin = started.addresses.find(({ protocol }) => protocol === 'admin')
      described.infoUrl = `http://127.0.0.1:${admin?.port}/info`
      stop.now = () => started.stop()
      return started
    },
  })
  return {
    lines,
    peer,
    httpUrl: described.httpUrl,
    infoUrl: described.infoUrl,
    description: () => described.text?.() ?? '',
    [Symbol.asyncDispose]: async () => {
      await stop.now?.()
      await peer.close?.()
    },
  }
}

describe.each([httpHarness, http2Harness, grpcHarness, queueHarness])('over $name', (harness) => {
  it('no secret is in logs, replies, the description, spans or metrics, wherever it was put', async () => {
    const telemetry = recordTelemetry()
    const word = `zq${randomBytes(20).toString('hex')}`
    await using demo = await serve(harness, word)
    const seen: unknown[] = []
    const call = async (metadata: Readonly<Record<string, string>>, password: string) => {
      if (operation === undefined) throw new TypeError('a contract has the operations it was given')
      const input = { key: 'a', password }
      const reply = await demo.peer.call({
        operation,
        input,
        inputs: undefined,
        metadata,
        timeoutMs: undefined,
        signal: undefined,
      })
      seen.push(reply)
      return reply.ok ? 'done' : reply.code
    }
    for (const place of Object.values(placements)) await call(place(word), 'abcd')
    expect(await call({}, word)).toBe('invalid_argument')
    expect(await call({}, 'abcd')).toBe('internal')
    for (const [shown, status] of [
      [word, 401],
      [adminToken, 200],
    ] as const) {
      const reply = await fetch(`${demo.infoUrl}?token=${word}`, { headers: { authorization: `Bearer ${shown}` } })
      expect(reply.status).toBe(status)
      seen.push([...reply.headers], await reply.text())
    }
    if (demo.httpUrl !== undefined) {
      // What nobody serves is named to who asked for it, and to nobody else.
      await fetch(`${demo.httpUrl}/v1/${word}`)
      const reply = await fetch(`${demo.httpUrl}/v1/open?access_token=${word}`, {
        headers: { referer: `http://a.example/?token=${word}` },
      })
      seen.push(reply.status, [...reply.headers], await reply.text())
    }
    const metrics = await Promise.all(durations.map((name) => telemetry.points(name)))
    expect(metrics.flat().length).toBeGreaterThan(0)
    const logged = inspected(demo.lines)
    // What is looked for would be found: the handler has run and was told of.
    expect(logged).toContain('***')
    expect(telemetry.spans().length).toBeGreaterThan(0)
    const places = {
      logged,
      replies: inspected(seen),
      spans: inspected(telemetry.spans()),
      metrics: inspected(metrics),
      described: demo.description(),
    }
    for (const [where, found] of Object.entries(places))
      expect([where, found.includes(word), found.includes(adminToken)]).toEqual([where, false, false])
  })
})

/** Everything of a value that a log might write, errors with all that led to them. */
function inspected(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    one instanceof Error ? { message: one.message, stack: one.stack, cause: one.cause, own: Object.entries(one) } : one,
  )
}
