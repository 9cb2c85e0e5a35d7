import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { optionCheck } from '@tenon/core/registry'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { AgentOptions } from './agent-options.ts'
import { resolveAgent } from './agent-options.ts'
import { ConsulAgent } from './consul-agent.ts'
import { type ScriptedAnswer, ScriptedAgent } from './scripted-agent.test-harness.ts'

const { signal } = new AbortController()
const request = { path: 'kv/a', purpose: 'for a', signal }

function agentAt(address: string, options: AgentOptions = {}): ConsulAgent {
  const { settings, problems } = resolveAgent({ address, requestTimeoutMs: 5_000, ...options }, optionCheck('test'), {})
  expect(problems).toEqual([])
  const agent = new ConsulAgent(settings)
  onTestFinished(() => agent.close())
  return agent
}

async function scripted(answer: ScriptedAnswer | undefined, options?: AgentOptions) {
  const server = await ScriptedAgent.start(() => answer)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return { server, agent: agentAt(server.address, options) }
}

describe('a request', () => {
  it('carries the token as a header, and namespace and partition as parameters', async () => {
    const { server, agent } = await scripted({}, { token: 'hush', namespace: 'team', partition: 'east' })
    await agent.ask({ ...request, query: { stale: '', dc: undefined, index: '3' }, waitMs: 1_000 })
    const [asked] = server.requests
    expect(asked?.headers['x-consul-token']).toBe('hush')
    expect([...(asked?.query ?? [])]).toEqual([
      ['stale', ''],
      ['index', '3'],
      ['ns', 'team'],
      ['partition', 'east'],
      ['wait', '1000ms'],
    ])
  })

  it('sends a body as JSON', async () => {
    const { server, agent } = await scripted({})
    await agent.ask({ ...request, method: 'PUT', body: { a: 'ö' } })
    expect(server.requests[0]).toMatchObject({ method: 'PUT', path: '/v1/kv/a', body: '{"a":"ö"}' })
  })
})

describe('an answer', () => {
  it('tells its index, which is never below 1, its hash and its leader', async () => {
    const headers = { 'X-Consul-Index': '0', 'X-Consul-ContentHash': 'abc', 'X-Consul-KnownLeader': 'false' }
    const { agent } = await scripted({ headers, body: 'text' })
    expect(await agent.ask(request)).toMatchObject({ index: 1, hash: 'abc', isLeaderKnown: false, text: 'text' })
  })

  it('of a stream of events says nothing of a leader', async () => {
    const headers = { 'X-Consul-KnownLeader': 'false', 'X-Consul-Query-Backend': 'streaming' }
    const { agent } = await scripted({ headers })
    expect(await agent.ask(request)).toMatchObject({ isLeaderKnown: true })
  })

  it('with a status that is expected is no error', async () => {
    const { agent } = await scripted({ status: 404 })
    expect(await agent.ask({ ...request, expected: [404] })).toMatchObject({ status: 404 })
  })

  it.each([
    [403, 'Permission denied: lacks service:write', 'give the option token a token of Consul whose policies allow it'],
    [403, 'ACL not found', 'ACL not found'],
    [404, '', 'is no agent of Consul'],
    [429, 'slow down', 'limits the rate'],
    [500, 'No cluster leader', 'its servers have no leader now'],
    [500, 'rpc error: boom', 'look into its log'],
    [400, 'Client sent an HTTP request to an HTTPS server.', 'write https:// in the address'],
  ])('of %i (%s) says what to do', async (status, body, advice) => {
    const { server, agent } = await scripted({ status, body })
    const failing = agent.ask(request)
    await expect(failing).rejects.toThrow(`Consul at http://${server.address}, asked for a, answered ${status}`)
    await expect(failing).rejects.toThrow(advice)
  })

  it('that is too long is not read', async () => {
    const { agent } = await scripted({ body: 'x'.repeat(5_000) }, { maxResponseBytes: 1_024 })
    await expect(agent.ask(request)).rejects.toThrow('longer than maxResponseBytes, 1024')
  })

  it('that does not come in time is an error, and leaves no connection behind', async () => {
    const { server, agent } = await scripted(undefined, { requestTimeoutMs: 100 })
    await expect(agent.ask({ ...request, waitMs: 160 })).rejects.toThrow('no answer for 270 ms')
    expect(server.requests).toHaveLength(1)
  })

  it('is not waited for any more when the signal fires', async () => {
    const { server, agent } = await scripted(undefined)
    const stop = new AbortController()
    const waiting = agent.ask({ ...request, signal: stop.signal })
    await server.asked(1)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-consul-tls-'))
  const names = ['-subj', '/CN=server.dc1.consul', '-addext', 'subjectAltName=DNS:server.dc1.consul']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const identity = (name: string) => {
    const [key, cert] = [join(folder, `${name}-key.pem`), join(folder, `${name}.pem`)]
    execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' })
    return { key, cert }
  }
  const { key, cert } = identity('first')
  const pem = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  afterAll(() => rmSync(folder, { recursive: true }))

  async function secure(options: object = {}): Promise<string> {
    return addressOf(await serve((_, response) => void response.end('{}'), options))
  }

  async function serve(listener: RequestListener, options: object = {}): Promise<Server> {
    const server = createServer({ ...pem, ...options }, listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return server
  }

  const addressOf = (server: Server) => `127.0.0.1:${(server.address() as AddressInfo).port}`

  it.each([
    ['a text', pem.cert],
    ['a file', cert],
  ])('trusts an authority given as %s, by the name that is asked for', async (_, ca) => {
    const agent = agentAt(await secure(), { tls: { ca, serverName: 'server.dc1.consul' } })
    expect(await agent.ask(request)).toMatchObject({ status: 200 })
  })

  it('shows its own certificate to an agent that wants one', async () => {
    const address = await secure({ ca: pem.cert, requestCert: true, rejectUnauthorized: true })
    const trust = { ca: cert, serverName: 'server.dc1.consul' }
    expect(await agentAt(address, { tls: { ...trust, cert, key } }).ask(request)).toMatchObject({ status: 200 })
    await expect(agentAt(address, { tls: trust }).ask(request)).rejects.toThrow('cannot be reached')
  })

  it('says what to set where a certificate is not trusted, or for another name', async () => {
    const address = await secure()
    await expect(agentAt(address, { tls: {} }).ask(request)).rejects.toThrow('set tls.ca to the authority')
    await expect(agentAt(address, { tls: { ca: cert } }).ask(request)).rejects.toThrow('set tls.serverName')
  })

  it('reads renewed files after a connection that failed, and cuts nothing that is under way', async () => {
    const held = Promise.withResolvers<ServerResponse>()
    const server = await serve((asked, response) =>
      asked.url?.startsWith('/v1/held') ? held.resolve(response) : response.end(),
    )
    const ca = join(folder, 'renewed.pem')
    copyFileSync(cert, ca)
    const agent = agentAt(addressOf(server), { tls: { ca, serverName: 'server.dc1.consul' } })
    const waiting = agent.ask({ ...request, path: 'held', waitMs: 60_000 })
    const response = await held.promise
    const second = identity('second')
    server.setSecureContext({ key: readFileSync(second.key, 'utf8'), cert: readFileSync(second.cert, 'utf8') })
    await expect(agent.ask(request)).rejects.toThrow('set tls.ca to the authority')
    await expect(agent.ask(request)).rejects.toThrow('set tls.ca to the authority')
    copyFileSync(second.cert, ca)
    expect(await agent.ask(request)).toMatchObject({ status: 200 })
    response.end('late')
    expect(await waiting).toMatchObject({ text: 'late' })
  })

  it('says so where the agent speaks none, and tries a missing file again', async () => {
    const { server } = await scripted({})
    const plain = agentAt(`https://${server.address}`, {})
    await expect(plain.ask(request)).rejects.toThrow('write http:// in the address')
    const agent = agentAt(await secure(), { tls: { ca: join(folder, 'nowhere.pem') } })
    await expect(agent.ask(request)).rejects.toThrow(/tls\.ca cannot be read: ENOENT/)
  })
})

it('cannot be reached where nobody listens', async () => {
  const { server, agent } = await scripted({})
  await server[Symbol.asyncDispose]()
  await expect(agent.ask(request)).rejects.toThrow(/cannot be reached: .*ECONNREFUSED/)
})
