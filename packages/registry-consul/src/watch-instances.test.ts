import type { Instance } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type ScriptedAnswer, ScriptedAgent, type ScriptedRequest } from './agent/scripted-agent.test-harness.ts'
import { consulRegistry, type ConsulOptions } from './index.ts'

// Each test says itself which token it uses.
vi.stubEnv('CONSUL_HTTP_TOKEN', '')

function entry(id: string) {
  return {
    Node: { Node: 'n' },
    Service: { ID: id, Service: 'user', Meta: { 'tenon-endpoints': 'http=h:1' } },
    Checks: [],
  }
}

const isBell = ({ query }: ScriptedRequest) => query.get('index') !== null

/** Watches `user` at an agent that gives these lists in turn, with these indexes; after the last one nothing changes. */
async function watch(lists: readonly (ScriptedAnswer & { readonly index?: number })[], options: ConsulOptions = {}) {
  let at = 0
  const answer = (request: ScriptedRequest): ScriptedAnswer | undefined => {
    const place = isBell(request) ? at : at++
    const given = lists[place]
    // Nothing changes any more.
    if (given === undefined) return undefined
    const { index = place + 10, headers, ...rest } = given
    const indexed = { 'x-consul-index': String(index) }
    return isBell(request) ? { headers: indexed } : { ...rest, headers: { ...indexed, ...headers } }
  }
  return watchAt(await ScriptedAgent.start(answer), options)
}

function watchAt(agent: ScriptedAgent, options: ConsulOptions = {}) {
  const registry = consulRegistry({ address: agent.address, ...options })
  const stop = new AbortController()
  const seen: string[] = []
  const troubles: string[] = []
  const onTrouble = ({ message }: Error) => void troubles.push(message)
  const read = async () => {
    for await (const list of registry.watch('user', { signal: stop.signal, onTrouble })) seen.push(idsOf(list))
  }
  const reading = read()
  onTestFinished(async () => {
    stop.abort()
    await reading
    await registry.close()
    await agent[Symbol.asyncDispose]()
  })
  return { agent, seen, troubles, sees: (lists: readonly string[]) => eventually(() => expect(seen).toEqual(lists)) }
}

const idsOf = (list: readonly Instance[]) => list.map(({ id }) => id).join()

it('reads the list at once, and waits for its index with a query that no instance answers', async () => {
  const { agent, sees } = await watch([{ body: [entry('a')], index: 7 }], { datacenter: 'dc2', waitMs: 2_000 })
  await sees(['a'])
  const [list, bell] = await agent.asked(2)
  expect([...(list?.query ?? [])]).toEqual([
    ['dc', 'dc2'],
    ['stale', ''],
  ])
  expect([...(bell?.query ?? [])]).toEqual([
    ['dc', 'dc2'],
    ['stale', ''],
    ['filter', 'Service.ID == ""'],
    ['index', '7'],
    ['wait', '2000ms'],
  ])
})

it('asks the leader, and the cache, when it is told so', async () => {
  const { agent } = await watch([{ body: [] }], { consistency: 'default', cached: true })
  const asked = await agent.asked(2)
  expect(asked.map(({ query }) => [query.has('stale'), query.has('cached')])).toEqual([
    [false, true],
    [false, true],
  ])
})

it('gives no list twice, and goes on from an index that went backwards', async () => {
  const same = [entry('a')]
  const { agent, sees } = await watch([
    { body: same, index: 90 },
    { body: same, index: 91 },
    { body: [], index: 3 },
  ])
  await sees(['a', ''])
  await eventually(() => expect(agent.requests.findLast(isBell)?.query.get('index')).toBe('3'))
})

it.each([
  ['no JSON', { body: 'oops' }, 'is no JSON, but a text of 4 characters'],
  ['no list', { body: { a: 1 } }, 'is no list'],
  ['a list without a leader', { body: [], headers: { 'x-consul-knownleader': 'false' } }, 'knows of no leader'],
  ['an empty list because of the token', { body: [], headers: filtered() }, 'Consul hides instances of user'],
  ['an error', { status: 500, body: 'No cluster leader' }, 'its servers have no leader now'],
])('keeps its list when the agent answers with %s, and says so', async (_, answer, told) => {
  const { seen, troubles, sees } = await watch([{ body: [entry('a')] }, answer, { body: [entry('b')] }])
  await sees(['a', 'b'])
  expect(seen).toHaveLength(2)
  expect(troubles).toHaveLength(1)
  expect(troubles[0]).toContain(told)
})

it('shows what is left, and says so, when the token may not see all', async () => {
  const { troubles, sees } = await watch([{ body: [entry('a')], headers: filtered() }])
  await sees(['a'])
  expect(troubles).toMatchObject([expect.stringContaining('give the token service:read on user and node:read')])
})

it('says that instances may be hidden where there is no token, and Consul denies what nobody allows', async () => {
  const denied = { 'x-consul-default-acl-policy': 'deny' }
  const without = await watch([{ body: [], headers: denied }])
  await without.sees([''])
  expect(without.troubles).toMatchObject([expect.stringContaining('Consul hides instances of user, or may')])
  const allowed = await watch([{ body: [entry('a')], headers: denied }])
  await allowed.sees(['a'])
  const known = await watch([{ body: [], headers: denied }], { token: 'known' })
  await known.sees([''])
  expect([...allowed.troubles, ...known.troubles]).toEqual([])
})

it('tells of records that cannot be read, and shows the others', async () => {
  const { troubles, sees } = await watch([{ body: [entry('a'), { Service: { ID: 'x', Service: 'user' } }, 3] }])
  await sees(['a'])
  expect(troubles).toMatchObject([
    expect.stringContaining('an instance of user in Consul is left out: the service x was not registered by Tenon'),
    expect.stringContaining('it is no record of a service'),
  ])
})

it('tells of instances that are hidden once, and again when that has come back', async () => {
  const { troubles, sees, agent } = await watch([
    { body: [entry('a')], headers: filtered() },
    { body: [entry('b')], headers: filtered() },
    { body: [entry('c')] },
    { body: [entry('d')], headers: filtered() },
  ])
  await sees(['a', 'b', 'c', 'd'])
  expect(troubles).toHaveLength(2)
  expect(agent.requests.filter((request) => !isBell(request))).toHaveLength(4)
})

it('says once to who has no token that there may be more', async () => {
  const denied = { 'x-consul-default-acl-policy': 'deny' }
  const { troubles, sees } = await watch([
    { body: [], headers: denied },
    { body: [], headers: denied },
    { body: [entry('a')], headers: denied },
  ])
  await sees(['', 'a'])
  expect(troubles).toHaveLength(1)
})

it('gives the list again when it can read what it has left out, changed or not', async () => {
  const { sees, troubles } = await watch([{ body: [entry('a'), 3] }, { body: [entry('a'), 3] }, { body: [entry('a')] }])
  await sees(['a', 'a'])
  expect(troubles).toHaveLength(1)
})

it('gives its list again once after an outage, when the agent answers queries that wait as well', async () => {
  let isBack = false
  let listCount = 0
  const agent = await ScriptedAgent.start((request) => {
    if (isBell(request)) return isBack ? { headers: { 'x-consul-index': '7' } } : { status: 504 }
    listCount += 1
    isBack = listCount > 3
    return { headers: { 'x-consul-index': '7' }, body: [entry('a')] }
  })
  const { seen, troubles, sees } = watchAt(agent)
  await sees(['a', 'a'])
  expect(troubles).toHaveLength(3)
  await agent.asked(5, isBell)
  expect(seen).toHaveLength(2)
})

function filtered() {
  return { 'x-consul-results-filtered-by-acls': 'true' }
}
