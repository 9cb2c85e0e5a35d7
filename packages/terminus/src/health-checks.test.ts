import { HealthCheckError } from '@godaddy/terminus'
import { check, provide, token } from '@tenon/core'
import { expect, test, vi } from 'vitest'
import { bareService, silent, teamServer } from './team-server.test-harness.ts'

const db = token<string>('db')

async function ask(url: string) {
  const reply = await fetch(url)
  return { status: reply.status, body: (await reply.json()) as unknown, headers: reply.headers }
}

test('the probes of the service are answered beside the app, from before its start to its end', async () => {
  const { url, service } = await teamServer()
  const all = async () => {
    const replies = await Promise.all(['livez', 'readyz', 'startupz'].map((name) => ask(`${url}/${name}`)))
    return replies.map(({ status, body }) => ({ status, body }))
  }
  const [pass, fail] = [
    { status: 200, body: { status: 'pass' } },
    { status: 503, body: { status: 'fail' } },
  ]
  expect(await all()).toEqual([pass, fail, fail])
  await service.check()
  expect(await all()).toEqual([pass, fail, fail])
  await using _started = await service.start({ log: silent })
  expect(await all()).toEqual([pass, pass, pass])
  expect(await (await fetch(`${url}/v1/anything`)).text()).toBe('app')
})

test('they say what the service says of its checks, are found with a query, and never cached', async () => {
  const service = bareService({
    providers: () => [provide(db, { create: () => 'db', check: () => Promise.reject(new Error('away')) })],
    checks: [check('needs db', () => undefined, { needs: [db], affects: 'none' })],
  })
  const { url } = await teamServer({ service })
  await using _started = await service.start({ log: silent })
  const ready = await ask(`${url}/readyz`)
  expect([ready.status, ready.body, ready.headers.get('cache-control')]).toEqual([503, { status: 'fail' }, 'no-store'])
  expect((await ask(`${url}/readyz?exclude=db`)).status).toBe(200)
  const live = await ask(`${url}/livez?verbose`)
  expect([live.status, live.body]).toMatchObject([200, { status: 'pass', withheld: expect.any(String) }])
  expect(live.headers.get('cache-control')).toBe('no-store')
})

test('they have the paths that the team gives them, or none', async () => {
  const adapter = { probes: { livez: '/healthz', readyz: '/Ready', startupz: false }, caseInsensitive: true } as const
  const { url } = await teamServer({ adapter })
  expect((await ask(`${url}/HealthZ?x=Y`)).status).toBe(200)
  expect((await ask(`${url}/ready`)).status).toBe(503)
  expect(await (await fetch(`${url}/startupz`)).text()).toBe('app')
})

test("the team's own checks are answered as terminus answers them, each with its own body", async () => {
  const logger = vi.fn()
  const down = new HealthCheckError('down', [new Error('no db')])
  const known = Object.assign(new Error('busy'), { statusCode: 429, statusResponse: { status: 'busy' } })
  const { url } = await teamServer({
    adapter: {
      logger,
      statusOk: 201,
      statusOkResponse: { status: 'up' },
      statusErrorResponse: { status: 'down' },
      healthChecks: {
        '/info': async () => ({ db: 'up' }),
        '/bare': async () => undefined,
        '/down': async () => Promise.reject(down),
        '/busy': async () => Promise.reject(known),
        '/odd': async () => Promise.reject(new Error('odd')),
      },
    },
  })
  expect(await ask(`${url}/info`)).toMatchObject({
    status: 201,
    body: { status: 'up', info: { db: 'up' }, details: { db: 'up' } },
  })
  const causes = [{ message: 'no db' }]
  expect(await ask(`${url}/down`)).toMatchObject({
    status: 503,
    body: { status: 'down', error: causes, details: causes },
  })
  expect((await ask(`${url}/bare?x`)).body).toEqual({ status: 'up' })
  expect(await ask(`${url}/busy`)).toMatchObject({ status: 429, body: { status: 'busy' } })
  expect((await ask(`${url}/odd`)).body).toEqual({ status: 'down' })
  expect((await ask(`${url}/readyz`)).body).toEqual({ status: 'fail' })
  expect(known.statusResponse).toEqual({ status: 'busy' })
  // What they threw, and nothing of the probes, of which the service tells itself.
  expect(logger.mock.calls.map(([message, error]) => [message, (error as Error).message])).toEqual(
    ['down', 'busy', 'odd'].map((message) => ['healthcheck failed', message]),
  )
})

test('verbatim and stack traces are as the team says', async () => {
  const failing = async () => Promise.reject(new HealthCheckError('down', new Error('no db')))
  const healthChecks = { verbatim: true, '/info': async () => ({ db: 'up' }), '/down': failing }
  const { url } = await teamServer({ adapter: { healthChecks } })
  expect((await ask(`${url}/info`)).body).toEqual({ status: 'ok', db: 'up' })
  expect((await ask(`${url}/down`)).body).not.toHaveProperty('error.stack')
  const open = await teamServer({ adapter: { healthChecks: { ...healthChecks, __unsafeExposeStackTraces: true } } })
  expect((await ask(`${open.url}/down`)).body).toHaveProperty('error.stack')
})

test('they learn that the service drains, when readiness fails and liveness does not', async () => {
  const seen: boolean[] = []
  const draining = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const { url, service } = await teamServer({
    adapter: {
      healthChecks: { '/state': async ({ state }) => void seen.push(state.isShuttingDown) },
      beforeShutdown: async () => {
        draining.resolve()
        await release.promise
      },
    },
  })
  const started = await service.start({ log: silent })
  await ask(`${url}/state`)
  const stopped = started.stop()
  await draining.promise
  await ask(`${url}/state`)
  expect(seen).toEqual([false, true])
  expect([(await ask(`${url}/readyz`)).status, (await ask(`${url}/livez`)).status]).toEqual([503, 200])
  release.resolve()
  expect((await stopped).exitCode).toBe(0)
})
