import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import type { Instance, Registration } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { tcpLink } from '@tenon/testing/registry'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { consulRegistry, type ConsulOptions } from './index.ts'
import { consulAbsence, OwnConsul } from './own-consul.test-harness.ts'

// Each test says itself which token it uses.
vi.stubEnv('CONSUL_HTTP_TOKEN', '')

const skipped = consulAbsence === undefined ? '' : ` (skipped: ${consulAbsence})`
const times = { ttlMs: 2_000, waitMs: 1_000, requestTimeoutMs: 600 } as const
const { signal } = new AbortController()

describe.skipIf(consulAbsence !== undefined)(`a registration in Consul${skipped}`, () => {
  let consul: OwnConsul
  beforeAll(async () => void (consul = await OwnConsul.start()))
  afterAll(() => consul[Symbol.asyncDispose]())

  let count = 0
  const named = (fields: Partial<Instance> = {}): Instance => {
    const name = `service-${(count += 1)}`
    return {
      id: `${name}-1`,
      name,
      version: '1',
      endpoints: [{ protocol: 'http', host: '127.0.0.1', port: 80 }],
      ...fields,
    }
  }
  const open = (options: ConsulOptions = {}) => {
    const registry = consulRegistry({ address: consul.address, ...times, ...options })
    onTestFinished(() => registry.close())
    return registry
  }
  const announce = async (registry: ReturnType<typeof open>, instance: Instance): Promise<Registration> => {
    const registration = await registry.announce(instance, { signal })
    onTestFinished(() => registration.withdraw({ signal: AbortSignal.timeout(5_000) }).catch(() => undefined))
    return registration
  }
  const watch = (name: string, registry = open()) => {
    const lists: (readonly Instance[])[] = []
    const stop = new AbortController()
    const troubles: string[] = []
    const reading = (async () => {
      for await (const list of registry.watch(name, {
        signal: stop.signal,
        onTrouble: ({ message }) => troubles.push(message),
      }))
        lists.push(list)
    })()
    onTestFinished(async () => {
      stop.abort()
      await reading
    })
    return {
      lists,
      troubles,
      shows: (ids: readonly string[]) => eventually(() => expect(lists.at(-1)?.map(({ id }) => id)).toEqual(ids)),
    }
  }
  const agentHas = async (path: string) => consul.ask('GET', path) as Promise<Record<string, Record<string, unknown>>>
  const checksOf = async ({ id }: Instance) =>
    Object.values(await agentHas(`agent/checks?filter=${encodeURIComponent(`ServiceID == "${id}"`)}`))

  it('is one service with all endpoints, tags, weights and a check of its own', async () => {
    const endpoints = [
      { protocol: 'http', host: '127.0.0.1', port: 8080 },
      { protocol: 'grpc', host: '127.0.0.1', port: 9090 },
    ]
    const instance = named({ endpoints, weight: 7 })
    await announce(open({ tags: ['blue'] }), instance)
    const services = await agentHas('agent/services')
    expect(services[instance.id]).toMatchObject({
      Service: instance.name,
      Port: 8080,
      Tags: ['blue'],
      Weights: { Passing: 7, Warning: 1 },
      Meta: { 'tenon-endpoints': 'http=127.0.0.1:8080,grpc=127.0.0.1:9090' },
    })
    expect(await checksOf(instance)).toMatchObject([{ Type: 'ttl', Status: 'passing' }])
  })

  it('tells others than Tenon how the instance is', async () => {
    const instance = named()
    const registration = await announce(open(), instance)
    for (const [health, Status] of [
      ['draining', 'warning'],
      ['not_serving', 'warning'],
      ['serving', 'passing'],
    ] as const) {
      await registration.update({ health }, { signal })
      expect(await checksOf(instance)).toMatchObject([{ Status }])
    }
  })

  it('is gone within its time where the process died while it did not serve', async () => {
    const instance = named()
    const link = await tcpLink(consul.port)
    onTestFinished(() => link[Symbol.asyncDispose]())
    const registration = await announce(open({ address: link.address, ttlMs: 1_000, requestTimeoutMs: 300 }), instance)
    await registration.update({ health: 'not_serving' }, { signal })
    const { lists, shows } = watch(instance.name)
    await shows([instance.id])
    expect(lists.at(-1)?.[0]?.health).toBe('not_serving')
    await link.cut()
    await shows([])
  })

  it('refuses what does not fit, leaves nothing, and goes on with what was right', async () => {
    const instance = named()
    const registration = await announce(open(), instance)
    const tooLong = { metadata: { note: 'x'.repeat(600) } }
    await expect(registration.update(tooLong, { signal })).rejects.toThrow('the value of note is longer than 512 bytes')
    await registration.update({ weight: 2 }, { signal })
    const { shows, lists } = watch(instance.name)
    await shows([instance.id])
    expect(lists.at(-1)?.[0]).toMatchObject({ weight: 2 })
    const other = named(tooLong)
    await expect(open().announce(other, { signal })).rejects.toThrow('does not fit into Consul')
    expect(await agentHas('agent/services')).not.toHaveProperty(other.id)
  })

  it('of which only the check was removed gets another', async () => {
    const instance = named()
    await announce(open(), instance)
    const [check] = await checksOf(instance)
    await consul.ask('PUT', `agent/check/deregister/${encodeURIComponent(String(check?.['CheckID']))}`)
    await eventually(async () => expect(await checksOf(instance)).toMatchObject([{ Type: 'ttl', Status: 'passing' }]))
  })

  it('that gives up leaves nothing', async () => {
    const instance = named()
    const link = await tcpLink(consul.port)
    onTestFinished(() => link[Symbol.asyncDispose]())
    const { address } = link
    await link.slow(300)
    const stop = new AbortController()
    const announcing = open({ address }).announce(instance, { signal: stop.signal })
    await eventually(async () => expect(await agentHas('agent/services')).toHaveProperty(instance.id))
    stop.abort(new Error('stopped'))
    await expect(announcing).rejects.toThrow('stopped')
    expect(await agentHas('agent/services')).not.toHaveProperty(instance.id)
  })

  describe('with onDrain: maintenance', () => {
    it('is under maintenance when withdrawn, gone when closed, and serves when announced again', async () => {
      const instance = named()
      const registry = open({ onDrain: 'maintenance' })
      const { shows } = watch(instance.name)
      await (await announce(registry, instance)).withdraw({ signal })
      await shows([])
      expect(await checksOf(instance)).toContainEqual(
        expect.objectContaining({ CheckID: `_service_maintenance:${instance.id}`, Status: 'critical' }),
      )
      const again = await announce(registry, instance)
      await shows([instance.id])
      expect(await checksOf(instance)).toHaveLength(1)
      await again.withdraw({ signal })
      await registry.close()
      expect(await agentHas('agent/services')).not.toHaveProperty(instance.id)
    })

    it('leaves alone what another has announced meanwhile', async () => {
      const instance = named()
      const registry = open({ onDrain: 'maintenance' })
      await (await announce(registry, instance)).withdraw({ signal })
      await announce(open(), instance)
      await registry.close()
      expect(await agentHas('agent/services')).toHaveProperty(instance.id)
    })

    it('that an operator turned on lasts while the instance is kept', async () => {
      const instance = named()
      const registration = await announce(open(), instance)
      const { shows } = watch(instance.name)
      await shows([instance.id])
      await consul.ask('PUT', `agent/service/maintenance/${instance.id}?enable=true`)
      await shows([])
      await registration.update({ weight: 3 }, { signal })
      await shows([])
      await consul.ask('PUT', `agent/service/maintenance/${instance.id}?enable=false`)
      await shows([instance.id])
    })
  })

  describe('with a check that the agent makes', () => {
    it('over HTTP, follows what the instance answers, and is made anew when the agent forgot it', async () => {
      let status = 200
      const server = createServer((_, response) => void response.writeHead(status).end())
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => void server.close())
      const { port } = server.address() as AddressInfo
      const instance = named({ endpoints: [{ protocol: 'http', host: '127.0.0.1', port }] })
      await announce(open({ check: { http: '/readyz', intervalMs: 1_000 } }), instance)
      const { shows } = watch(instance.name)
      await shows([instance.id])
      status = 503
      await shows([])
      status = 429
      await shows([instance.id])
      await consul.ask('PUT', `agent/service/deregister/${instance.id}`)
      await eventually(async () => expect(await checksOf(instance)).toMatchObject([{ Type: 'http' }]))
    })

    it('over gRPC, calls the endpoint grpc of the instance', async () => {
      // One that says nothing: the agent gives it its two seconds, in which it is announced.
      const silent = createTcpServer().listen(0, '127.0.0.1')
      await once(silent, 'listening')
      onTestFinished(() => void silent.close())
      const { port } = silent.address() as AddressInfo
      const endpoints = [{ protocol: 'grpc', host: '127.0.0.1', port }]
      const instance = named({ endpoints })
      await announce(open({ check: { grpc: true, intervalMs: 1_000 } }), instance)
      expect(await checksOf(instance)).toMatchObject([{ Type: 'grpc', Interval: '1s', Timeout: '2s' }])
      const { shows } = watch(instance.name)
      await shows([])
    })

    it('is refused where the instance has no such endpoint', async () => {
      const announcing = open({ check: { grpc: true } }).announce(named(), { signal })
      await expect(announcing).rejects.toThrow('asks the endpoint grpc, which the instance')
    })
  })

  it('is made anew by itself when the agent was killed and came back empty', async () => {
    const instance = named()
    const registration = await announce(open(), instance)
    await registration.update({ weight: 3 }, { signal })
    const { lists, shows, troubles } = watch(instance.name)
    await shows([instance.id])
    await consul.kill()
    await eventually(() => expect(troubles).not.toEqual([]))
    expect(lists).toHaveLength(1)
    await consul.launch()
    await eventually(async () => expect(await agentHas('agent/services')).toHaveProperty(instance.id))
    await shows([instance.id])
    expect(lists.at(-1)?.[0]).toMatchObject({ weight: 3 })
    expect(registration.lost.aborted).toBe(false)
  })

  it.each([{ cached: true }, { consistency: 'default' as const }])('is found with %o', async (options) => {
    const instance = named()
    const { shows } = watch(instance.name, open(options))
    await shows([])
    const registration = await announce(open(), instance)
    await shows([instance.id])
    await registration.withdraw({ signal })
    await shows([])
  })
})

describe.skipIf(consulAbsence !== undefined)(`access control lists of Consul${skipped}`, () => {
  let consul: OwnConsul
  beforeAll(async () => void (consul = await OwnConsul.start({ hasAcl: true })))
  afterAll(() => consul[Symbol.asyncDispose]())
  const instance: Instance = { id: 'user-1', name: 'user', version: '1', endpoints: [] }
  const open = (token: string | undefined) => {
    const registry = consulRegistry({ address: consul.address, ...times, ...(token !== undefined && { token }) })
    onTestFinished(() => registry.close())
    return registry
  }

  it.each([
    ['none', undefined],
    ['one that nobody knows', '00000000-0000-4000-8000-000000000000'],
  ])('refuse an announcement with a token: %s', async (_, token) => {
    const announcing = open(token).announce(instance, { signal })
    await expect(announcing).rejects.toThrow(
      /asked to register the instance user-1 .*service:write on user.* answered 403/,
    )
    await expect(announcing).rejects.toThrow('give the option token a token of Consul')
  })

  it('let an instance be announced that may not read nodes, and tell who watches so', async () => {
    const token = await consul.token('service "user" { policy = "write" }')
    const registry = open(token)
    const registration = await registry.announce(instance, { signal })
    const stop = new AbortController()
    const told: string[] = []
    const onTrouble = ({ message }: Error) => {
      told.push(message)
      stop.abort()
    }
    for await (const list of registry.watch('user', { signal: stop.signal, onTrouble })) expect(list).toEqual([])
    expect(told.join()).toContain(
      'Consul hides instances of user, or may: give the token service:read on user and node:read',
    )
    await registration.withdraw({ signal })
  })

  it('that change while an instance is kept are told, and heal', async () => {
    const token = await consul.token('service "user" { policy = "write" } node_prefix "" { policy = "read" }')
    const told: string[] = []
    const registry = open(token)
    const registration = await registry.announce(instance, { signal, onTrouble: ({ message }) => told.push(message) })
    const made = (await consul.ask('GET', 'acl/policies')) as readonly {
      ID: string
      Name: string
      CreateIndex: number
    }[]
    const policy = made.toSorted((one, other) => other.CreateIndex - one.CreateIndex)[0]
    const path = `acl/policy/${policy?.ID}`
    await consul.ask('PUT', path, { Name: policy?.Name, Rules: '' })
    await eventually(() => expect(told.join()).toContain('answered 403'), { timeoutMs: 10_000 })
    expect(registration.lost.aborted).toBe(false)
    await consul.ask('PUT', path, {
      Name: policy?.Name,
      Rules: 'service "user" { policy = "write" } node_prefix "" { policy = "read" }',
    })
    await eventually(() => registration.update({ weight: 5 }, { signal }), { timeoutMs: 10_000 })
    await registration.withdraw({ signal })
  })
})
