import { eventually } from '@tenon/testing'
import { tcpLink } from '@tenon/testing/registry'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { etcdRegistry } from './etcd-registry.ts'
import { etcdAbsence, EtcdServer } from './etcd-server.test-harness.ts'
import { etcdSource } from './etcd-source.ts'
import { instanceOf, watched } from './watched.test-harness.ts'

const { signal } = new AbortController()
const isLong = process.env['TENON_OUTAGES'] === 'all'

// The first member is used first.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))

describe.skipIf(etcdAbsence)(`outages of etcd${etcdAbsence ? ` (skipped: ${etcdAbsence})` : ''}`, () => {
  it('an instance is there again when etcd was started without its data', async () => {
    await using server = await EtcdServer.start()
    const registry = etcdRegistry({ endpoints: [server.address] })
    const registration = await registry.announce(instanceOf('user', 'a'), { signal })
    await using watch = watched(registry, 'user')
    await watch.sees(['a'])
    await server.kill()
    server.forget()
    await eventually(() => expect(watch.troubles).not.toEqual([]))
    const before = watch.lists.length
    await server.launch()
    // Longer than any pause between two tries, and shorter than a renewal would be on its way.
    await eventually(() => expect(watch.lists.length).toBeGreaterThan(before), { timeoutMs: 4_000 })
    await watch.sees(['a'])
    expect(registration.lost.aborted).toBe(false)
    await registration.withdraw({ signal })
    await watch.sees([])
    await watch.leave()
    await registry.close?.()
  })

  it('a service goes on by the other members when one of three is killed', async () => {
    await using members = await EtcdServer.cluster(3)
    const [first, second, third] = members as unknown as [EtcdServer, EtcdServer, EtcdServer]
    const registry = etcdRegistry({ endpoints: members.map(({ address }) => address) })
    const other = etcdRegistry({ endpoints: [second.address, third.address] })
    const registration = await registry.announce(instanceOf('user', 'a'), { signal })
    await using watch = watched(registry, 'user')
    await watch.sees(['a'])
    await first.kill()
    // An election, where it led, takes a second or two.
    const late = await eventually(() => other.announce(instanceOf('user', 'b'), { signal }), { timeoutMs: 10_000 })
    await watch.sees(['a', 'b'], 10_000)
    await eventually(() => registration.update({ health: 'draining' }, { signal }), { timeoutMs: 10_000 })
    await eventually(() => expect(watch.lists.at(-1)?.[0]?.health).toBe('draining'))
    await eventually(() => late.withdraw({ signal }), { timeoutMs: 10_000 })
    await watch.sees(['a'])
    expect(registration.lost.aborted).toBe(false)
    await watch.leave()
    await registration.withdraw({ signal })
  })

  it.runIf(isLong)('a member that is alone, and so without a leader, is left for one that has one', async () => {
    await using members = await EtcdServer.cluster(3)
    const [first, second, third] = members as unknown as [EtcdServer, EtcdServer, EtcdServer]
    const registry = etcdRegistry({ endpoints: [first.address, second.address], requestTimeoutMs: 1_000 })
    const registration = await registry.announce(instanceOf('user', 'a'), { signal })
    await using watch = watched(registry, 'user')
    await watch.sees(['a'])
    await second.kill()
    await third.kill()
    await eventually(() => expect(watch.troubles.join()).toContain(`etcd at ${first.address}`), { timeoutMs: 15_000 })
    const before = watch.lists.length
    await Promise.all([second.launch(), third.launch()])
    await eventually(() => expect(watch.lists.length).toBeGreaterThan(before), { timeoutMs: 15_000 })
    await watch.sees(['a'])
    expect(registration.lost.aborted).toBe(false)
    await watch.leave()
  })

  it.runIf(isLong)('an instance lives on when one of several members hangs, however short its time is', async () => {
    await using server = await EtcdServer.start()
    await using hanging = await tcpLink(server.port)
    await using cut = await tcpLink(server.port)
    const registry = etcdRegistry({ endpoints: [hanging.address, server.address], ttlMs: 3_000 })
    const registration = await registry.announce(instanceOf('user', 'living'), { signal })
    const dead = etcdRegistry({ endpoints: [cut.address], ttlMs: 6_000 })
    const gone = await dead.announce(instanceOf('user', 'dead'), { signal })
    await using watch = watched(etcdRegistry({ endpoints: [server.address] }), 'user')
    await watch.sees(['dead', 'living'])
    await hanging.freeze()
    await cut.cut()
    // Whose time is twice as long is gone.
    await eventually(() => expect(watch.lists.at(-1)?.map(({ id }) => id)).not.toContain('dead'), { timeoutMs: 10_000 })
    expect(watch.lists.map((list) => list.map(({ id }) => id))).toEqual([['dead', 'living'], ['living']])
    await watch.leave()
    await hanging.restore()
    await cut.restore()
    await registration.withdraw({ signal })
    await gone.withdraw({ signal })
  })

  it.runIf(isLong)('a connection that is half open is noticed within 10 s', async () => {
    await using server = await EtcdServer.start()
    await using link = await tcpLink(server.port)
    const registry = etcdRegistry({ endpoints: [server.address] })
    await using watch = watched(etcdRegistry({ endpoints: [link.address] }), 'user')
    await watch.sees([])
    await link.freeze()
    await link.restore()
    const registration = await registry.announce(instanceOf('user', 'a'), { signal })
    expect(watch.lists.at(-1)).toEqual([])
    await watch.sees(['a'], 10_000)
    expect(watch.troubles).toHaveLength(1)
    await watch.leave()
    await registration.withdraw({ signal })
    await registry.close?.()
  })

  it('one change among a thousand instances costs one message, and leaves the others as they are', async () => {
    await using server = await EtcdServer.start()
    await using link = await tcpLink(server.port)
    const announcer = etcdRegistry({ endpoints: [server.address] })
    const ids = Array.from({ length: 1_000 }, (_, index) => `i${String(index).padStart(4, '0')}`)
    const all = await Promise.all(ids.map((id) => announcer.announce(instanceOf('user', id), { signal })))
    const registry = etcdRegistry({ endpoints: [link.address] })
    await using watch = watched(registry, 'user')
    await watch.sees(ids)
    const [before = []] = watch.lists.slice(-1)
    const receivedBytes = link.receivedBytes
    await all[500]?.update({ weight: 7 }, { signal })
    await eventually(() => expect(watch.lists.at(-1)?.[500]?.weight).toBe(7))
    expect(link.receivedBytes - receivedBytes).toBeLessThan(1_000)
    const changed = (watch.lists.at(-1) ?? []).filter((instance, index) => instance !== before[index])
    expect(changed.map(({ id }) => id)).toEqual(['i0500'])
    await watch.leave()
    // Ends the connection of the announcer; the leases go with the server.
    await announcer.close?.()
  })

  it('settings follow the keys through an outage', async () => {
    await using server = await EtcdServer.start()
    await using link = await tcpLink(server.port)
    const put = (name: string, value: string) => server.put(`/config/user/${name}`, value)
    await put('PORT', '80')
    await put('LEVEL', 'info')
    const source = etcdSource({ endpoints: [link.address], prefix: '/config/user/' })
    const leaving = new AbortController()
    const told: object[] = []
    const read = async () => {
      const options = { signal: leaving.signal, variables: ['PORT', 'LEVEL', 'NAME'] }
      for await (const texts of source.watch(options)) told.push(texts)
    }
    const reading = read()
    const newest = (texts: object) => eventually(() => expect(told.at(-1)).toEqual(texts))
    await newest({ PORT: '80', LEVEL: 'info' })
    await put('LEVEL', 'debug')
    await newest({ PORT: '80', LEVEL: 'debug' })
    await link.cut()
    await put('NAME', 'ö 漢字')
    await server.remove('/config/user/PORT')
    expect(told.at(-1)).toEqual({ PORT: '80', LEVEL: 'debug' })
    await link.restore()
    await newest({ LEVEL: 'debug', NAME: 'ö 漢字' })
    leaving.abort()
    await reading
    await source.close?.()
  })

  it('a compaction while the link is cut is no reason to miss anything', async () => {
    await using server = await EtcdServer.start()
    await using link = await tcpLink(server.port)
    const registry = etcdRegistry({ endpoints: [server.address] })
    const first = await registry.announce(instanceOf('user', 'a'), { signal })
    await using watch = watched(etcdRegistry({ endpoints: [link.address] }), 'user')
    await watch.sees(['a'])
    await link.cut()
    const second = await registry.announce(instanceOf('user', 'b'), { signal })
    await first.withdraw({ signal })
    await server.compact()
    await link.restore()
    await watch.sees(['b'])
    await watch.leave()
    await second.withdraw({ signal })
    await registry.close?.()
  })
})
