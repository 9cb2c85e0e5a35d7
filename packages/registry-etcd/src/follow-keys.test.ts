import { eventually } from '@tenon/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EtcdApi } from './api/etcd-api.ts'
import { type EtcdSourceOptions, resolveEtcdSource } from './etcd-options.ts'
import { followKeys, type KeyChange, withPrefix } from './follow-keys.ts'
import { bytes, refused, ScriptedEtcd } from './scripted-etcd.test-harness.ts'

/** What is told of the keys with the prefix `/a/`. */
async function following(endpoints: readonly string[], options: Partial<EtcdSourceOptions> = {}) {
  const api = new EtcdApi(resolveEtcdSource({ endpoints, prefix: '/a/', ...options }))
  const left = new AbortController()
  const told: (readonly KeyChange[])[] = []
  const troubles: string[] = []
  const ended = followKeys({
    api,
    keys: withPrefix('/a/'),
    signal: left.signal,
    onTrouble: (error) => troubles.push(error.message),
    onList: (all) => told.push(all),
    onChange: (changes) => told.push(changes),
  })
  const leave = async () => {
    left.abort()
    await ended
    api.close()
  }
  const seen = (expected: readonly (readonly KeyChange[])[]) => eventually(() => expect(told).toEqual(expected))
  return { told, troubles, seen, leave, [Symbol.asyncDispose]: leave }
}

const at = (revision: bigint, ...kvs: readonly [string, string][]) => ({
  header: { revision },
  kvs: kvs.map(([key, value]) => ({ key: bytes(key), value: bytes(value) })),
})

// The first member is used first, and pauses are as long as they can be.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))

afterEach(() => void vi.restoreAllMocks())

describe('followKeys', () => {
  it('reads the keys, and watches them from the next revision on', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.answers.range = () => at(41n, ['/a/x', '1'])
    await using keys = await following([etcd.address])
    await keys.seen([[{ key: '/a/x', text: '1' }]])
    const watch = await etcd.watch(0)
    await eventually(() => expect(watch.requests).toHaveLength(1))
    const range = { key: Buffer.from('/a/'), rangeEnd: Buffer.from('/a0') }
    expect(etcd.asked[0]?.request).toEqual(range)
    expect(watch.requests[0]?.createRequest).toEqual({ ...range, startRevision: 42n, fragment: true })
    watch.send({ created: true })
    watch.put('/a/y', 'ö')
    watch.send({ events: [{ type: 1, kv: { key: bytes('/a/x') } }, { kv: { key: bytes('/a/z'), value: bytes('3') } }] })
    await keys.seen([
      [{ key: '/a/x', text: '1' }],
      [{ key: '/a/y', text: 'ö' }],
      [
        { key: '/a/x', isDeleted: true },
        { key: '/a/z', text: '3' },
      ],
    ])
    expect(keys.troubles).toEqual([])
  })

  it('asks for a member that has a leader', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using keys = await following([etcd.address])
    await etcd.watch(0)
    expect(etcd.asked.map(({ method, leader }) => [method, leader])).toEqual([
      ['range', 'true'],
      ['watch', 'true'],
    ])
    await keys.leave()
  })

  it('tells what comes in fragments together', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using keys = await following([etcd.address])
    const watch = await etcd.watch(0)
    watch.put('/a/1', 'one', { fragment: true })
    watch.put('/a/2', 'two', { fragment: true })
    await keys.seen([[]])
    watch.put('/a/3', 'three')
    const all = ['one', 'two', 'three'].map((text, index) => ({ key: `/a/${index + 1}`, text }))
    await keys.seen([[], all])
  })

  it('reads all again at once when what comes next is compacted', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using keys = await following([etcd.address])
    const watch = await etcd.watch(0)
    etcd.answers.range = () => at(90n, ['/a/x', 'later'])
    watch.send({ created: true })
    watch.send({
      canceled: true,
      compactRevision: 80n,
      cancelReason: 'etcdserver: mvcc: required revision has been compacted',
    })
    const again = await etcd.watch(1)
    await keys.seen([[], [{ key: '/a/x', text: 'later' }]])
    expect(again.requests[0]?.createRequest?.startRevision).toBe(91n)
    expect(keys.troubles).toEqual([])
    await eventually(() => expect(watch.isLeft).toBe(true))
  })

  it('reads all again when the watch is cancelled, and tells why it was', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using keys = await following([etcd.address])
    const watch = await etcd.watch(0)
    watch.send({ created: true, canceled: true, cancelReason: 'etcdserver: permission denied' })
    const again = await etcd.watch(1)
    again.send({ created: true })
    await keys.seen([[], []])
    expect(keys.troubles).toEqual(['etcd has cancelled the watch of /a/: etcdserver: permission denied'])
  })

  it('reads all again when the watch ends or fails', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using keys = await following([etcd.address])
    const first = await etcd.watch(0)
    first.end()
    const second = await etcd.watch(1)
    second.send({ created: true })
    await keys.seen([[], []])
    second.fail('UNAVAILABLE', 'etcdserver: no leader')
    const third = await etcd.watch(2)
    third.send({ created: true })
    await keys.seen([[], [], []])
    expect(keys.troubles).toEqual([
      'etcd has ended the watch of /a/',
      `etcd at ${etcd.address} did not watch /a/: no leader: see that most of its members run and reach one another`,
    ])
  })

  it('pauses longer each time while keys can be read and not watched, and tells them again when they can', async () => {
    await using etcd = await ScriptedEtcd.start()
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const pausesMs = () => timers.mock.calls.flatMap(([, delayMs]) => pauses.find((one) => one === delayMs) ?? [])
    const pauses = [100, 200, 400]
    etcd.answers.range = () => at(5n, ['/a/x', '1'])
    await using keys = await following([etcd.address])
    const [before, after] = [
      { key: '/a/x', text: '1' },
      { key: '/a/x', text: '2' },
    ]
    for (const index of [0, 1]) (await etcd.watch(index)).fail('UNAVAILABLE', 'etcdserver: no leader')
    const third = await etcd.watch(2)
    expect(pausesMs()).toEqual([100, 200])
    expect(keys.told).toEqual([[before]])
    third.send({ created: true })
    await keys.seen([[before], [before]])
    third.send({ events: [{ kv: { key: bytes('/a/x'), value: bytes('2') } }] })
    await keys.seen([[before], [before], [after]])
    etcd.answers.range = () => at(6n, ['/a/x', '2'])
    third.fail('UNAVAILABLE', 'etcdserver: no leader')
    const fourth = await etcd.watch(3)
    expect(pausesMs()).toEqual([100, 200, 100])
    etcd.answers.range = () => at(7n, ['/a/y', '3'])
    fourth.fail('UNAVAILABLE', 'etcdserver: no leader')
    await keys.seen([[before], [before], [after], [{ key: '/a/y', text: '3' }]])
  })

  it('takes a watch for dead on which nothing arrives although it is asked for', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using keys = await following([etcd.address], { watchTimeoutMs: 150 })
    const silent = await etcd.watch(0)
    const lively = await etcd.watch(1)
    expect(silent.requests.slice(1).map(({ progressRequest }) => progressRequest)).toEqual([{}, {}])
    expect(keys.troubles).toEqual([
      `etcd at ${etcd.address} cannot be reached to watch /a/: nothing arrived for 150 ms`,
    ])
    const answer = setInterval(() => lively.send({}), 20)
    await eventually(() => expect(lively.requests.length).toBeGreaterThan(6))
    clearInterval(answer)
    expect(etcd.watches).toHaveLength(2)
  })

  it('goes on with the next member when one fails, and comes back when that fails', async () => {
    await using one = await ScriptedEtcd.start()
    await using other = await ScriptedEtcd.start()
    const keys = await following([one.address, other.address])
    const watch = await one.watch(0)
    one.answers.range = () => refused('UNAVAILABLE', 'etcdserver: no leader')
    watch.fail('UNAVAILABLE', 'etcdserver: no leader')
    const next = await other.watch(0)
    next.send({ created: true })
    await keys.seen([[], []])
    other.answers.range = one.answers.range
    one.answers.range = () => at(5n, ['/a/x', 'back'])
    next.fail('UNAVAILABLE', 'etcdserver: no leader')
    await one.watch(1)
    await keys.seen([[], [], [{ key: '/a/x', text: 'back' }]])
    await keys.leave()
  })

  it('marks what is no UTF-8', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using keys = await following([etcd.address])
    const watch = await etcd.watch(0)
    watch.put('/a/x', new Uint8Array([0xff, 0xfe]))
    await keys.seen([[], [{ key: '/a/x', text: undefined }]])
  })

  it('leaves nothing at etcd when its signal fires', async () => {
    await using etcd = await ScriptedEtcd.start()
    const keys = await following([etcd.address])
    const watch = await etcd.watch(0)
    await keys.leave()
    await eventually(() => expect(watch.isLeft).toBe(true))
    expect(keys.troubles).toEqual([])
  })
})
