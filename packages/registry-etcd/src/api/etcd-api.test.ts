import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { eventually } from '@tenon/testing'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type EtcdSourceOptions, resolveEtcdSource } from '../etcd-options.ts'
import { refused, ScriptedEtcd } from '../scripted-etcd.test-harness.ts'
import { EtcdApi } from './etcd-api.ts'
import { EtcdMember } from './etcd-member.ts'
import { methods } from './etcd-message.ts'

const { signal } = new AbortController()
const options = { signal, asked: 'renew it' }

function opened(endpoints: readonly string[], others: Partial<EtcdSourceOptions> = {}) {
  const api = new EtcdApi(resolveEtcdSource({ endpoints, prefix: '/', ...others }))
  const renew = () => api.ask(methods.leaseKeepAlive, { id: 7n }, options)
  return { renew, api, [Symbol.dispose]: () => api.close() }
}

const login = { user: 'ada', password: 'hush' }

// The first member is asked first.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))

describe('EtcdApi', () => {
  it('shows the token of the user, whom it lets in once', async () => {
    await using etcd = await ScriptedEtcd.start()
    using one = opened([etcd.address], login)
    await Promise.all([one.renew(), one.renew()])
    await one.renew()
    expect(etcd.asked[0]).toMatchObject({ method: 'authenticate', request: { name: 'ada', password: 'hush' } })
    expect(etcd.asked.slice(1).map(({ method, token }) => [method, token])).toEqual(
      Array.from({ length: 3 }, () => ['leaseKeepAlive', 'token-1']),
    )
  })

  it('lets the user in again when etcd no longer knows the token', async () => {
    await using etcd = await ScriptedEtcd.start()
    using one = opened([etcd.address], { ...login, password: { reveal: () => 'hush' } })
    await one.renew()
    etcd.answers.authenticate = () => ({ token: 'token-2' })
    etcd.answers.leaseKeepAlive = ({ id }, metadata) =>
      metadata.get('token')[0] === 'token-2'
        ? { id, ttl: 9n }
        : refused('UNAUTHENTICATED', 'etcdserver: invalid auth token')
    expect(await one.renew()).toEqual({ id: 7n, ttl: 9n })
    expect(etcd.countOf('authenticate')).toBe(2)
  })

  it('says who is not let in, and tries again the next time', async () => {
    await using etcd = await ScriptedEtcd.start()
    using one = opened([etcd.address], login)
    const denied = refused('INVALID_ARGUMENT', 'etcdserver: authentication failed, invalid user ID or password')
    const { authenticate } = etcd.answers
    etcd.answers.authenticate = () => denied
    await expect(one.renew()).rejects.toThrow(
      `etcd at ${etcd.address} did not let the user ada in: authentication failed, invalid user ID or password: check user and password`,
    )
    etcd.answers.authenticate = authenticate
    expect(await one.renew()).toEqual({ id: 7n, ttl: 5n })
  })

  it('goes without a token where authentication is not enabled', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.answers.authenticate = () => refused('FAILED_PRECONDITION', 'etcdserver: authentication is not enabled')
    using one = opened([etcd.address], login)
    await one.renew()
    expect(etcd.asked.at(-1)).toMatchObject({ method: 'leaseKeepAlive', token: undefined })
  })

  it('asks the next member when one is away, and stays with the one that answered', async () => {
    await using etcd = await ScriptedEtcd.start()
    using one = opened([await closedPort(), etcd.address])
    await one.renew()
    await one.renew()
    expect(etcd.countOf('leaseKeepAlive')).toBe(2)
  })

  it('asks the next member when one takes connections and says nothing', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    await using etcd = await ScriptedEtcd.start()
    using one = opened([`127.0.0.1:${port}`, etcd.address], { requestTimeoutMs: 100 })
    expect(await one.renew()).toEqual({ id: 7n, ttl: 5n })
    silent.close()
  })

  it('leaves no socket behind of a member that takes connections, says nothing, and never closes', async () => {
    const silent = createServer({ allowHalfOpen: true }, (socket) => socket.resume()).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const sockets: Socket[] = []
    const note = (opened: unknown) => sockets.push((opened as { readonly socket: Socket }).socket)
    subscribe('net.client.socket', note)
    using one = opened([`127.0.0.1:${port}`], { requestTimeoutMs: 100 })
    await expect(one.renew()).rejects.toThrow('did not answer in time')
    await expect(one.renew()).rejects.toThrow('did not answer in time')
    unsubscribe('net.client.socket', note)
    await eventually(() => expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]), {
      timeoutMs: 2_000,
    })
    silent.close()
  })

  it('begins with any of the members', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using other = await ScriptedEtcd.start()
    vi.spyOn(Math, 'random').mockReturnValue(0.99)
    using one = opened([etcd.address, other.address])
    await one.renew()
    expect([etcd, other].map((member) => member.countOf('leaseKeepAlive'))).toEqual([0, 1])
  })

  it('asks no other member what each would refuse', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using other = await ScriptedEtcd.start()
    etcd.answers.leaseKeepAlive = () => refused('PERMISSION_DENIED', 'etcdserver: permission denied')
    using one = opened([etcd.address, other.address])
    await expect(one.renew()).rejects.toThrow(`etcd at ${etcd.address} did not renew it: permission denied`)
    expect(other.asked).toEqual([])
  })

  it('fails with what the last member said when none can help', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.answers.leaseKeepAlive = () => refused('UNAVAILABLE', 'etcdserver: no leader')
    using one = opened([await closedPort(), etcd.address])
    await expect(one.renew()).rejects.toThrow(`etcd at ${etcd.address} did not renew it: no leader`)
    expect(etcd.countOf('leaseKeepAlive')).toBe(1)
  })

  it('stops waiting when its signal fires', async () => {
    await using etcd = await ScriptedEtcd.start()
    const giveUp = new AbortController()
    etcd.answers.leaseKeepAlive = () => {
      giveUp.abort(new Error('enough'))
      return { ttl: 1n }
    }
    using one = opened([etcd.address])
    const asking = one.api.ask(methods.leaseKeepAlive, { id: 7n }, { signal: giveUp.signal, asked: 'renew it' })
    await expect(asking).rejects.toThrow('enough')
    await expect(
      one.api.ask(methods.leaseKeepAlive, { id: 7n }, { signal: giveUp.signal, asked: 'renew it' }),
    ).rejects.toThrow('enough')
    expect(etcd.countOf('leaseKeepAlive')).toBe(1)
  })

  it('shows the token when it watches', async () => {
    await using etcd = await ScriptedEtcd.start()
    using one = opened([etcd.address], login)
    const left = new AbortController()
    const watching = one.api.watch({ startRevision: 1n }, { signal: left.signal, asked: 'watch it' }).next()
    await eventually(() => expect(etcd.asked.at(-1)).toMatchObject({ method: 'watch', token: 'token-1' }))
    left.abort()
    expect(await watching).toEqual({ done: true, value: undefined })
  })
})

describe('EtcdMember', () => {
  it('sends the next call elsewhere when another call has given up the connection meanwhile', async () => {
    const settings = resolveEtcdSource({ endpoints: ['127.0.0.1:1'], prefix: '/' })
    const member = new EtcdMember({ address: '127.0.0.1:1', isSecure: false }, settings)
    member.close()
    const given = { ...options, token: '' }
    const calls = [
      member.ask({ method: methods.leaseKeepAlive, request: { id: 7n } }, given),
      member.watch({ createRequest: {} }, given).next(),
    ]
    for (const call of calls) {
      const error = await call.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        message: 'etcd at 127.0.0.1:1 cannot be reached to renew it: its connection was given up',
        isOfMember: true,
      })
    }
  })
})

/** Where nobody answers. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}
