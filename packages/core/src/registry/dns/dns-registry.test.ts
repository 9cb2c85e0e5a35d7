import { describe, expect, it, onTestFinished } from 'vitest'
import type { Instance } from '../registry.ts'
import { DnsAgent } from './dns-agent.ts'
import { DnsLookUp } from './dns-look-up.ts'
import { toQuestion } from './dns-mapping.ts'
import { type DnsRegistryOptions, resolveDns } from './dns-options.ts'
import { dnsRegistry } from './dns-registry.ts'
import { type DnsRecord, DnsServer } from './dns-server.test-harness.ts'

const a = (address: string, ttl = 0): DnsRecord => ({ type: 'A', address, ttl })
const srv = (target: string, port: number, more: Partial<DnsRecord> = {}): DnsRecord =>
  ({ type: 'SRV', target, port, ...more }) as DnsRecord

async function serverWith(zone: Readonly<Record<string, readonly DnsRecord[]>>): Promise<DnsServer> {
  const server = await DnsServer.start()
  onTestFinished(() => server.close())
  for (const [name, records] of Object.entries(zone)) server.set(name, records)
  return server
}

/** Asks often. */
const brisk = { minTtlMs: 10, maxTtlMs: 10 } as const satisfies DnsRegistryOptions

/** A watch, one list at a time. */
function watching(server: DnsServer, options: DnsRegistryOptions) {
  const leaving = new AbortController()
  const troubles: Error[] = []
  const registry = dnsRegistry({ ...brisk, servers: [server.address], ...options })
  const onTrouble = (error: Error) => {
    troubles.push(error)
    troubled.resolve()
  }
  const troubled = Promise.withResolvers<void>()
  const lists = registry.watch('user', { signal: leaving.signal, onTrouble })[Symbol.asyncIterator]()
  onTestFinished(() => leaving.abort())
  return {
    troubles,
    troubled: troubled.promise,
    next: async (): Promise<readonly Instance[]> => {
      const step = await lists.next()
      if (step.done === true) throw new Error('the watch has ended')
      return step.value
    },
  }
}

const idsOf = (list: readonly Instance[]) => list.map(({ id }) => id)

function lookingUp(server: DnsServer, options: DnsRegistryOptions = {}): DnsLookUp {
  const settings = resolveDns({ ...brisk, servers: [server.address], ...options })
  const { signal } = new AbortController()
  return new DnsLookUp(new DnsAgent(settings, signal), toQuestion('user', settings))
}

describe('addresses', () => {
  it('are those of both families, ordered, whatever the order of the answer', async () => {
    const server = await serverWith({ user: [a('10.0.0.2'), { type: 'AAAA', address: '2001:db8::7' }, a('10.0.0.1')] })
    const list = await watching(server, { port: 80 }).next()
    expect(idsOf(list)).toEqual(['10.0.0.1:80', '10.0.0.2:80', '[2001:db8::7]:80'])
  })

  it.each([
    ['ipv4', ['10.0.0.1:80'], ['A']],
    ['ipv6', ['[2001:db8::7]:80'], ['AAAA']],
  ] as const)('may be of %s only, which is one question', async (addressFamily, ids, types) => {
    const server = await serverWith({ user: [{ type: 'AAAA', address: '2001:db8::7' }, a('10.0.0.1')] })
    const { places } = await lookingUp(server, { port: 80, addressFamily }).ask()
    expect(places).toHaveLength(ids.length)
    expect(server.queries.map(({ type }) => type)).toEqual(types)
    expect(idsOf(await watching(server, { port: 80, addressFamily }).next())).toEqual(ids)
  })

  it.each([
    ['localhost', 'both', ['127.0.0.1', '::1']],
    ['user.LOCALHOST', 'ipv4', ['127.0.0.1']],
    ['localhost.', 'ipv6', ['::1']],
  ] as const)('of %s, %s, are those of this machine, for which nobody is asked', async (host, addressFamily, found) => {
    const server = await serverWith({ [host]: [a('10.0.0.1')] })
    const { places } = await lookingUp(server, { port: 80, addressFamily, services: { user: { host } } }).ask()
    expect(places.map(({ address }) => address)).toEqual(found)
    expect(server.queries).toEqual([])
  })

  it('of a name that only ends like that are asked for', async () => {
    const host = 'notlocalhost'
    const server = await serverWith({ [host]: [a('10.0.0.1')] })
    const { places } = await lookingUp(server, { port: 80, services: { user: { host } } }).ask()
    expect(places.map(({ address }) => address)).toEqual(['10.0.0.1'])
  })

  it('are found behind an alias', async () => {
    const server = await serverWith({
      user: [
        { type: 'CNAME', target: 'real.x' },
        { type: 'A', name: 'real.x', address: '10.0.0.1' },
      ],
    })
    expect(idsOf(await watching(server, { port: 80 }).next())).toEqual(['10.0.0.1:80'])
  })

  it('are right as long as the shortest of their times to live', async () => {
    const server = await serverWith({ user: [a('10.0.0.1', 30), a('10.0.0.2', 5)] })
    expect(await lookingUp(server, { port: 80 }).ask()).toMatchObject({ ttlMs: 5_000 })
  })

  it('that are too many for a datagram are asked for over TCP', async () => {
    const addresses = Array.from({ length: 200 }, (_, index) => a(`10.0.1.${index}`))
    const server = await serverWith({ user: addresses })
    expect(await watching(server, { port: 80 }).next()).toHaveLength(200)
    expect(server.queries.filter(({ type }) => type === 'A').slice(0, 2)).toMatchObject([
      { over: 'udp' },
      { over: 'tcp' },
    ])
  })

  it('that stay keep their instance, and an order that changes gives no list', async () => {
    const server = await serverWith({ user: [a('10.0.0.1'), a('10.0.0.2')] })
    const watch = watching(server, { port: 80, addressFamily: 'ipv4' })
    const [one, two] = await watch.next()
    const next = watch.next()
    server.set('user', [a('10.0.0.2'), a('10.0.0.1')])
    const asked = server.queries.length
    await expect.poll(() => server.queries.length, { timeout: 10_000 }).toBeGreaterThan(asked + 1)
    server.set('user', [a('10.0.0.3'), a('10.0.0.2'), a('10.0.0.1')])
    const list = await next
    expect(list).toHaveLength(3)
    expect([list[0] === one, list[1] === two]).toEqual([true, true])
  })
})

describe('SRV records', () => {
  it('tell ports, hosts and weights', async () => {
    const server = await serverWith({
      '_grpc._tcp.user.shop': [
        srv('one.shop', 5_001, { weight: 3 }),
        srv('two.shop', 5_002, { weight: 7 }),
        srv('far.shop', 5_003, { weight: 9, priority: 10 }),
      ],
      'one.shop': [a('10.0.0.1')],
      'two.shop': [{ type: 'AAAA', address: '2001:db8::2' }],
      'far.shop': [a('10.9.0.1')],
    })
    const list = await watching(server, { domain: 'shop' }).next()
    expect(list.map(({ id, weight }) => [id, weight])).toEqual([
      ['10.0.0.1:5001', 3],
      ['10.9.0.1:5003', 0],
      ['[2001:db8::2]:5002', 7],
    ])
  })

  it('name hosts that are asked for again when their time to live is over, and not before', async () => {
    const server = await serverWith({
      '_grpc._tcp.user': [srv('kept', 1), srv('brief', 2)],
      kept: [a('10.0.0.1', 60)],
      brief: [a('10.0.0.2', 0)],
    })
    const lookUp = lookingUp(server, { addressFamily: 'ipv4' })
    for (let count = 0; count < 3; count += 1) expect((await lookUp.ask()).places).toHaveLength(2)
    const countOf = (host: string) => server.queries.filter(({ name }) => name === host).length
    expect([countOf('_grpc._tcp.user'), countOf('kept'), countOf('brief')]).toEqual([3, 1, 3])
  })

  it('may name a host that is not there, which leaves out that one, and a dot, which says that nobody is there', async () => {
    const zone = { '_grpc._tcp.user': [srv('gone', 1), srv('here', 2)], here: [a('10.0.0.1')] }
    const server = await serverWith(zone)
    expect(idsOf(await watching(server, {}).next())).toEqual(['10.0.0.1:2'])
    server.set('_grpc._tcp.user', [srv('.', 0)])
    server.queries.length = 0
    expect(await watching(server, {}).next()).toEqual([])
    expect(new Set(server.queries.map(({ name }) => name))).toEqual(new Set(['_grpc._tcp.user']))
  })
})

describe('a name', () => {
  it.each([
    ['does not exist', {}],
    ['has nothing of what is asked for', { user: [] }],
  ])('that %s has nobody, which is no trouble', async (_what, zone) => {
    const watch = watching(await serverWith(zone), { port: 80 })
    expect(await watch.next()).toEqual([])
    expect(watch.troubles).toEqual([])
  })

  it('that exists no longer has nobody, however long its answer might have been kept', async () => {
    const server = await serverWith({ user: [a('10.0.0.1', 3_600)] })
    const watch = watching(server, { port: 80 })
    expect(await watch.next()).toHaveLength(1)
    server.set('user', undefined)
    expect(await watch.next()).toEqual([])
  })

  it('is asked for as it is, and not in the domains of the host', async () => {
    const server = await serverWith({})
    await lookingUp(server, { port: 80 }).ask()
    expect(new Set(server.queries.map(({ name }) => name))).toEqual(new Set(['user']))
  })
})

describe('an outage', () => {
  const sentences = {
    servfail: 'it failed there (SERVFAIL); see the log of the server',
    refused: 'it refuses to answer (REFUSED); let it serve the name, or this host',
    silent: 'nothing answered in time; check that the server is up, and that UDP and TCP to its port are open',
  } as const

  it.each(Object.keys(sentences) as readonly (keyof typeof sentences)[])(
    'is a server that is %s: the list stays, and is given again after it',
    async (mode) => {
      const server = await serverWith({ user: [a('10.0.0.1')] })
      const watch = watching(server, { port: 80, addressFamily: 'ipv4', timeoutMs: 100 })
      const before = await watch.next()
      const next = watch.next()
      server.mode = mode
      await watch.troubled
      expect(watch.troubles[0]?.message).toBe(`dnsRegistry: asked ${server.address} for A of user: ${sentences[mode]}`)
      server.mode = 'right'
      const after = await next
      expect(after[0]).toBe(before[0])
      expect(after).toHaveLength(1)
    },
  )

  it('of one family of addresses is one, too: half a list is none', async () => {
    const server = await serverWith({ user: [a('10.0.0.1')] })
    server.failing.add('AAAA')
    const watch = watching(server, { port: 80 })
    const first = watch.next()
    await watch.troubled
    expect(watch.troubles[0]?.message).toContain(`for AAAA of user: it failed there (SERVFAIL)`)
    server.failing.clear()
    expect(await first).toHaveLength(1)
  })

  it('of a server that was quick and has become slow is none', async () => {
    const server = await serverWith({ user: [a('10.0.0.1')] })
    const lookUp = lookingUp(server, { port: 80, addressFamily: 'ipv4' })
    for (let count = 0; count < 5; count += 1) await lookUp.ask()
    server.delayMs = 600
    const asked = server.queries.length
    expect((await lookUp.ask()).places).toHaveLength(1)
    expect(server.queries.length - asked).toBe(1)
  })

  it('ends with the signal, whatever is under way', async () => {
    const server = await serverWith({})
    server.mode = 'silent'
    const leaving = new AbortController()
    const registry = dnsRegistry({ servers: [server.address], port: 80, timeoutMs: 60_000 })
    const watch = registry.watch('user', { signal: leaving.signal })[Symbol.asyncIterator]()
    const next = watch.next()
    await expect.poll(() => server.queries.length, { timeout: 10_000 }).toBeGreaterThan(0)
    leaving.abort()
    expect(await next).toMatchObject({ done: true })
  })
})
