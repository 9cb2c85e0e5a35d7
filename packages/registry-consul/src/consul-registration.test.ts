import type { Instance } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import type { ScriptedAnswer, ScriptedRequest } from './agent/scripted-agent.test-harness.ts'
import { ScriptedAgent } from './agent/scripted-agent.test-harness.ts'
import { consulRegistry } from './index.ts'

afterEach(() => void vi.useRealTimers())

const { signal } = new AbortController()
const instance: Instance = { id: 'user-1', name: 'user', version: '1', endpoints: [] }

/** An agent whose servers show what was registered as a test says; queries of the record are held back for good. */
async function scripted(answers: {
  shown?: (count: number) => boolean
  renewed?: (count: number) => ScriptedAnswer
  /** Whether a request is never answered. */
  hangs?: (request: ScriptedRequest) => boolean
}) {
  const { shown = () => true, renewed = () => ({}), hangs = () => false } = answers
  let service: Record<string, unknown> | undefined
  let [shownCount, renewedCount] = [0, 0]
  const answer = (request: ScriptedRequest): ScriptedAnswer | undefined => {
    const { path, query, body } = request
    if (hangs(request)) return undefined
    if (path === '/v1/agent/service/register') service = JSON.parse(body) as Record<string, unknown>
    if (path === '/v1/agent/service/deregister/user-1') service = undefined
    if (path.startsWith('/v1/agent/check/update/')) return renewed((renewedCount += 1))
    if (path.startsWith('/v1/health/service/')) {
      const entry = { Service: { ...service, Service: service?.['Name'] }, Checks: [service?.['Check']] }
      const isShown = shown((shownCount += 1)) && service !== undefined
      return { headers: { 'x-consul-index': String(shownCount + 6) }, body: isShown ? [entry] : [] }
    }
    if (path !== '/v1/agent/service/user-1') return {}
    if (query.get('hash') !== null) return undefined
    return service ? { headers: { 'x-consul-contenthash': 'h' }, body: service } : { status: 404 }
  }
  const agent = await ScriptedAgent.start(answer)
  const registry = consulRegistry({ address: agent.address, ttlMs: 180_000, requestTimeoutMs: 60_000 })
  onTestFinished(async () => {
    await registry.close()
    await agent[Symbol.asyncDispose]()
  })
  return { agent, registry, has: () => service !== undefined }
}

const isHealth = ({ path }: ScriptedRequest) => path.startsWith('/v1/health/')

it('is announced when the servers show it, for which their index is waited', async () => {
  const { agent, registry } = await scripted({ shown: (count) => count === 3 })
  const registration = await registry.announce(instance, { signal })
  const asked = await agent.asked(3, isHealth)
  expect(asked.map(({ query }) => query.get('index'))).toEqual([null, '7', '8'])
  expect(asked[0]?.query.get('filter')).toBe('Service.ID == "user-1"')
  await registration.withdraw({ signal })
})

it('is not announced, and removed again, when the servers do not show it in time', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const shown = () => {
    vi.advanceTimersByTime(3_000)
    return false
  }
  const { registry, has } = await scripted({ shown })
  const announcing = registry.announce(instance, { signal })
  await expect(announcing).rejects.toThrow(
    'its servers do not show it after 5000 ms: the agent may lack a token of its own',
  )
  expect(has()).toBe(false)
})

it('is registered again where an older agent says with 500 that it does not know the check', async () => {
  const unknown = { status: 500, body: 'CheckID "x" does not have associated TTL' }
  const { agent, registry } = await scripted({ renewed: (count) => (count === 1 ? unknown : {}) })
  const troubles: Error[] = []
  const registration = await registry.announce(instance, { signal, onTrouble: (error) => troubles.push(error) })
  await agent.asked(2, ({ path }) => path === '/v1/agent/service/register')
  expect(troubles).toEqual([])
  await registration.withdraw({ signal })
})

it('says so where a check is forgotten again and again', async () => {
  const { registry } = await scripted({ renewed: () => ({ status: 404, body: 'Unknown check' }) })
  const troubles: string[] = []
  const registration = await registry.announce(instance, { signal, onTrouble: ({ message }) => troubles.push(message) })
  await eventually(() => expect(troubles).toContain('Consul forgets the instance user-1 as soon as it is told of it'))
  await registration.withdraw({ signal })
})

it('removes the checks of an earlier life when it is announced, and keeps its own when it is changed', async () => {
  const { agent, registry } = await scripted({})
  const registration = await registry.announce(instance, { signal })
  await registration.update({ weight: 3 }, { signal })
  const registrations = await agent.asked(2, ({ path }) => path === '/v1/agent/service/register')
  expect(registrations.map(({ query }) => query.get('replace-existing-checks'))).toEqual(['true', null])
  const ids = registrations.map(({ body }) => (JSON.parse(body) as { Check: { CheckID: string } }).Check.CheckID)
  expect(new Set(ids).size).toBe(1)
  await registration.withdraw({ signal })
})

const isLook = ({ path, query }: ScriptedRequest) => path === '/v1/agent/service/user-1' && query.get('hash') === null
const isRegister = ({ path }: ScriptedRequest) => path === '/v1/agent/service/register'

it('is changed and withdrawn no longer than their signals allow while a look at it is not answered', async () => {
  let isHung = true
  const { agent, registry, has } = await scripted({ hangs: (request) => isHung && isLook(request) })
  const registration = await registry.announce(instance, { signal })
  await agent.asked(1, isLook)
  const stop = new AbortController()
  const changing = registration.update({ weight: 3 }, { signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(changing).rejects.toThrow('enough')
  await expect(registration.withdraw({ signal: AbortSignal.abort(new Error('at once')) })).rejects.toThrow('at once')
  isHung = false
  await registration.withdraw({ signal })
  expect(has()).toBe(false)
})

it('is withdrawn when what was on its way has ended, whoever gave up on it', async () => {
  let isHung = false
  const { agent, registry } = await scripted({ hangs: (request) => isHung && isRegister(request) })
  const registration = await registry.announce(instance, { signal })
  await agent.asked(1, ({ query }) => query.get('hash') !== null)
  isHung = true
  const stop = new AbortController()
  const changing = registration.update({ weight: 3 }, { signal: stop.signal })
  await agent.asked(2, isRegister)
  stop.abort(new Error('enough'))
  await expect(changing).rejects.toThrow('enough')
  const last = new AbortController()
  const withdrawing = registration.withdraw({ signal: last.signal })
  last.abort(new Error('at once'))
  await expect(withdrawing).rejects.toThrow('at once')
  expect(agent.requests.filter(({ path }) => path.includes('/deregister/'))).toEqual([])
})
