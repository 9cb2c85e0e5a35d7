import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { eventually } from '@tenon/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run, temporaryFolder } from '../support/own-process.ts'
import { freePorts } from './shop.ts'
import { startSlowProcess, type Told } from './slow-process.ts'

/** The slow service, and three calls that run in it: over HTTP, over gRPC and from the queue. */
async function startSlowCalls() {
  const slow = await startSlowProcess()
  const http = slow.post('/v1/work', 'over HTTP')
  const grpc = slow.client.work({ name: 'over gRPC' }, { timeoutMs: 60_000 })
  // Both have one key, so the second waits behind the first.
  for (const _time of [1, 2]) expect((await slow.post('/v1/queue', 'from the queue')).status).toBe(200)
  await eventually(() => expect(transportsOf(slow.events('began'))).toEqual(all))
  return { ...slow, http, grpc }
}

const all = new Set(['http', 'grpc', 'queue'])

function transportsOf(events: readonly Told[]) {
  return new Set(events.map(({ transport }) => transport))
}

describe('SIGTERM while a slow call runs over HTTP, over gRPC and in a consumer', { timeout: 60_000 }, () => {
  test('turns readiness false first, then refuses new work retryably, finishes the calls and exits with 0', async () => {
    await using calls = await startSlowCalls()
    calls.process.child.kill('SIGTERM')
    await eventually(async () => expect(await calls.readiness()).toBe(503))
    // Load balancers have not noticed yet: what they still send is served, and told to go elsewhere next time.
    const late = await calls.ping()
    expect({ status: late.status, connection: late.headers.get('connection') }).toEqual({
      status: 200,
      connection: 'close',
    })
    const refused = await eventually(async () => {
      const response = await calls.ping()
      expect(response.status).toBe(503)
      return response
    })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'unavailable', reason: 'draining' })
    await expect(calls.client.ping({})).rejects.toMatchObject({ code: 'unavailable' })
    expect(calls.events('ended')).toEqual([])

    calls.release()
    const answered = await calls.http
    expect({ status: answered.status, body: await answered.json() }).toEqual({
      status: 200,
      body: { name: 'over HTTP' },
    })
    expect(await calls.grpc).toEqual({ name: 'over gRPC' })
    expect(await calls.process.ended).toBe(0)
    expect(transportsOf(calls.events('ended'))).toEqual(all)
    // The second message of the queue had nobody else to go to: its broker ends with the process.
    expect(calls.events('ended').filter(({ transport }) => transport === 'queue')).toHaveLength(2)
  })

  test('a second SIGTERM cuts at once, and the exit code tells', async () => {
    await using calls = await startSlowCalls()
    const cut = Promise.allSettled([calls.http, calls.grpc])
    calls.process.child.kill('SIGTERM')
    await eventually(async () => expect(await calls.readiness()).toBe(503))
    // A signal that follows within an instant is taken for the same one, which npm and the terminal both deliver.
    await eventually(() => {
      calls.process.child.kill('SIGTERM')
      expect(calls.process.child.exitCode).toBe(1)
    })
    expect(await calls.process.ended).toBe(1)
    expect((await cut).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(calls.events('ended')).toEqual([])
  })
})

describe('npm start', { timeout: 60_000 }, () => {
  test('ends every process with code 0 on SIGTERM, also while a watch is open', async () => {
    await using npm = run('npm', ['start'], { ...freePorts, DATA_DIR: await temporaryFolder() })
    await npm.printed('Try:')
    const [, url = ''] = /curl -N (\S+)/.exec(npm.output()) ?? []
    const watch = await fetch(url)
    expect(watch.status).toBe(200)
    npm.child.kill('SIGTERM')
    expect(await watch.text()).toBe('')
    expect(await npm.ended).toBe(0)
    await eventually(() => expect(npm.isGroupAlive()).toBe(false))
    expect(npm.output()).not.toContain('keeps the process alive')
  })

  test.each(['USER_HTTP_PORT', 'ORDER_GRPC_PORT', 'USER_ADMIN_PORT'])(
    'says that the port of %s is taken, last and in plain words, and exits with an error without leaving half of it running',
    async (name) => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => void server.close())
      const { port } = server.address() as AddressInfo
      const environment = { ...freePorts, DATA_DIR: await temporaryFolder(), [name]: String(port) }
      await using npm = run('npm', ['start'], environment)
      expect(await npm.ended).toBe(1)
      const [service] = name.toLowerCase().split('_')
      const words = `^${service} could not start: .*cannot listen on 127\\.0\\.0\\.1:${port}: .*(taken|EADDRINUSE)`
      expect(npm.errors().trimEnd().split('\n').at(-1)).toMatch(new RegExp(words))
      expect(foreignLines(npm.output())).toEqual([])
      await eventually(() => expect(npm.isGroupAlive()).toBe(false))
      expect(npm.output()).not.toContain('keeps the process alive')
    },
  )

  test('says which setting it cannot read, last and in plain words', async () => {
    await using npm = run('npm', ['start'], { ...freePorts, USER_HTTP_PORT: 'http' })
    expect(await npm.ended).toBe(1)
    expect(npm.errors().trimEnd().split('\n').at(-1)).toMatch(/^user could not start: USER_HTTP_PORT .*found "http"/)
  })
})

/** Lines that are neither npm's, nor JSON, nor those that this framework prints for people. */
function foreignLines(output: string): readonly string[] {
  return output.split('\n').filter((line) => !/^($|> |npm |\{"level"|\w+ could not start: )/.test(line))
}
