import Type from 'typebox'
import { describe, expect, it, vi } from 'vitest'
import { contract } from '../../contract/contract.ts'
import type { ClientTransport } from '../../client/client-transport.ts'
import { clientOf, remote } from '../../client/remote.ts'
import { check } from '../../handler/check.ts'
import { provide, token } from '../../handler/provider.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { TransportHost } from '../../transport/transport.ts'
import { text } from '../config/config.ts'
import { secret } from '../config/secret.ts'
import { defineService } from '../define-service.ts'
import type { ServiceOptions } from '../service-options.ts'

const silent: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => silent }
const fails = (message: string) => () => Promise.reject(new Error(message))

function serviceWith(options: Partial<ServiceOptions>) {
  return defineService({ name: 'note', version: '1.0.0', handlers: [], admin: { port: 0 }, ...options })
}

async function started(options: Partial<ServiceOptions>, environment = {}) {
  const running = await serviceWith(options).start({ environment, log: silent })
  const { host, port } = running.addresses.find(({ protocol }) => protocol === 'admin') ?? { host: '', port: 0 }
  const ask = async (path: string) => {
    const response = await fetch(`http://${host}:${port}${path}`)
    return { status: response.status, body: (await response.json()) as { readonly checks?: readonly object[] } }
  }
  return { ask, running, [Symbol.asyncDispose]: async () => void (await running.stop()) }
}

describe('the checks of a service', () => {
  it('are given what they need, which is created for them alone', async () => {
    const db = token<{ readonly isOpen: boolean }>('db')
    const order: string[] = []
    await using service = await started({
      providers: () => [
        provide(db, {
          create: () => (order.push('create'), { isOpen: true }),
          dispose: () => void order.push('dispose'),
        }),
      ],
      checks: [
        check('db is open', ({ isOpen }, { signal }) => void order.push(`${isOpen} ${signal.aborted}`), {
          needs: [db],
        }),
      ],
    })
    expect(order).toEqual(['create', 'true false'])
    const { body } = await service.ask('/readyz?verbose')
    expect(body.checks?.[0]).toMatchObject({ name: 'db is open', affects: 'readiness', isPassing: true })
    await service.running.stop()
    expect(order.at(-1)).toBe('dispose')
  })

  it('decide on the probes that they affect', async () => {
    await using service = await started({
      checks: [
        check('disk', fails('full')),
        check('worker', fails('stuck'), { affects: 'liveness', gracePeriodMs: 0 }),
        check('mail', fails('away'), { affects: 'none' }),
      ],
    })
    const status = async (path: string) => (await service.ask(path)).status
    expect([await status('/livez'), await status('/readyz'), await status('/startupz')]).toEqual([503, 503, 200])
    expect([await status('/livez?exclude=worker'), await status('/readyz?exclude=disk')]).toEqual([200, 200])
    expect([await status('/livez?exclude=disk'), await status('/readyz?exclude=worker')]).toEqual([503, 503])
  })

  it('of providers take the same options', async () => {
    const cache = token<string>('cache')
    await using service = await started({
      providers: () => [provide(cache, { create: () => 'cache', check: { run: fails('cold'), affects: 'none' } })],
      checks: [check('uses it', () => undefined, { needs: [cache] })],
    })
    const { status, body } = await service.ask('/readyz?verbose')
    expect(status).toBe(200)
    expect(body.checks?.[0]).toMatchObject({ name: 'cache', affects: 'none', message: 'cold' })
  })

  it('show and log no secret setting, whoever quotes it', async () => {
    vi.mocked(silent.warn).mockClear()
    const url = 'postgres://shop:hunter2@db/shop'
    const messages = [`cannot open ${url}`, 'hunter2 is wrong', 'http://me:other@host refuses']
    await using service = await started(
      { config: { url: secret(text('DB_URL')) }, checks: messages.map((said) => check(said.slice(0, 6), fails(said))) },
      { DB_URL: url },
    )
    const { body } = await service.ask('/readyz?verbose')
    expect(body.checks?.slice(0, 3)).toMatchObject([
      { message: 'cannot open ***' },
      { message: '*** is wrong' },
      { message: 'http://me:***@host refuses' },
    ])
    expect(JSON.stringify(vi.mocked(silent.warn).mock.calls)).not.toContain('hunter2')
  })

  it('tell how it stands to other services, which decides nothing', async () => {
    const Text = Type.Object({ text: Type.String() })
    const bills = contract('shop.BillService', { getBill: { input: Text, output: Text } })
    let state: 'ready' | 'failing' = 'ready'
    const via = {
      name: 'fake',
      open: () => ({ unary: async () => ({}), state: () => state, close: async () => undefined }),
    } as unknown as ClientTransport
    const isHere = check('bills', () => undefined, { needs: [clientOf(bills)] })
    for (const expected of [undefined, 'no connection to bill:1']) {
      await using service = await started({
        remotes: () => [remote(bills, { via, at: 'static:///bill:1' })],
        checks: [isHere],
      })
      const { status, body } = await service.ask('/readyz?verbose')
      expect(status).toBe(200)
      const [shown] = (body.checks ?? []).filter((one) => 'name' in one && one.name === 'remote shop.BillService')
      expect(shown).toMatchObject({
        affects: 'none',
        isPassing: expected === undefined,
        ...(expected && { message: expected }),
      })
      state = 'failing'
    }
  })

  it('keep a service from starting that needs what nobody provides, or has two of a name', async () => {
    const nothing = token('nothing')
    const service = serviceWith({
      checks: [
        check('one', () => undefined, { needs: [nothing] }),
        check('two', () => undefined),
        check('two', () => undefined),
        undefined as never,
        { name: 'other' } as never,
      ],
    })
    const { problems } = await service.check({ environment: {} })
    expect(problems.map(({ message }) => message)).toEqual([
      'checks[3] of the service is undefined: import cycle? Import it from a file that does not import back',
      'checks of the service: expected what check(name, run) gives, found something else',
      'nothing provides nothing, asked for by check "one": add provide(nothing, …) to the service\'s providers',
      'two checks of the service are named "two": give one of them another name',
    ])
    await expect(service.start({ environment: {}, log: silent })).rejects.toThrow('asked for by check "one"')
  })

  it('have transports answer probes of their callers without details, also without an admin server', async () => {
    let host: TransportHost | undefined
    const server = {
      listen: async () => [],
      withdraw: () => undefined,
      drain: async () => undefined,
      close: async () => undefined,
    }
    const transport = { name: 'http', carries: () => false, bind: (bound: TransportHost) => ((host = bound), server) }
    await using _service = await started({
      admin: false,
      transports: () => [transport],
      checks: [check('disk', fails('full'))],
    })
    const answer = host?.answerProbe?.('readyz', { method: 'GET', query: 'verbose', headers: {} })
    expect(answer?.status).toBe(503)
    expect(answer?.body).not.toContain('full')
  })

  it('tell that readiness is lost and found again, with what stands in the way', async () => {
    vi.useFakeTimers()
    vi.mocked(silent.warn).mockClear()
    let isBroken = false
    const run = () => {
      if (isBroken) throw new Error('full')
    }
    await using _service = await started({
      admin: false,
      checks: [check('disk', run, { intervalMs: 1_000, gracePeriodMs: 0 })],
    })
    isBroken = true
    await vi.advanceTimersByTimeAsync(3_000)
    const lost = [
      { checks: [expect.objectContaining({ name: 'disk', message: 'full' }) as object], transports: [] },
      'the service is not ready any more',
    ]
    expect(vi.mocked(silent.warn).mock.calls.filter(([, said]) => said === lost[1])).toEqual([lost])
    isBroken = false
    await vi.advanceTimersByTimeAsync(1_000)
    expect(silent.info).toHaveBeenCalledWith({}, 'the service is ready again')
    vi.useRealTimers()
  })
})
