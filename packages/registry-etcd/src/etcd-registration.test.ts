import { type Instance, isTakenOver, type Registration } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { tcpLink } from '@tenon/testing/registry'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Arrived, methods } from './api/etcd-message.ts'
import { toValue } from './etcd-mapping.ts'
import { etcdRegistry } from './etcd-registry.ts'
import { bytes, refused, ScriptedEtcd } from './scripted-etcd.test-harness.ts'

const instance: Instance = {
  id: 'a',
  name: 'user',
  version: '1.0.0',
  endpoints: [{ protocol: 'http', host: '127.0.0.1', port: 1 }],
}
const key = '/tenon/services/user/a'
const { signal } = new AbortController()

type Txn = Arrived<(typeof methods)['txn']['request']>

/** A scripted member that knows one key, as etcd would. */
async function started(ttlMs = 15_000) {
  const etcd = await ScriptedEtcd.start()
  const troubles: string[] = []
  const kept = { value: '', lease: 0n, modRevision: 0n }
  let lastLease = 100n
  const puts: { readonly value: string; readonly lease: bigint }[] = []
  const kvs = () => (kept.value === '' ? [] : [{ ...kept, key: bytes(key), value: bytes(kept.value) }])
  const put = (value: string, lease: bigint) => {
    Object.assign(kept, { value, lease, modRevision: kept.modRevision + 1n })
    puts.push({ value, lease })
  }
  const remove = () => Object.assign(kept, { value: '', lease: 0n, modRevision: 0n })
  const leases = new Set<bigint>()
  etcd.answers.range = () => ({ header: { revision: 5n }, kvs: kvs() })
  etcd.answers.leaseGrant = ({ ttl }) => {
    lastLease += 1n
    leases.add(lastLease)
    return { id: lastLease, ttl }
  }
  etcd.answers.leaseKeepAlive = ({ id }) => ({ id, ttl: leases.has(id) ? 5n : 0n })
  etcd.answers.leaseRevoke = ({ id }) => {
    if (!leases.delete(id)) return refused('NOT_FOUND', 'etcdserver: requested lease not found')
    if (kept.lease === id) remove()
    return {}
  }
  etcd.answers.txn = ({ compare: [condition], success }: Txn) => {
    const holds =
      condition === undefined ||
      (condition.target === 2 ? condition.modRevision === kept.modRevision : condition.lease === kept.lease)
    const wanted = success[0]?.requestPut
    if (!holds) return { succeeded: false, responses: [{ responseRange: { kvs: kvs() } }] }
    if (wanted) put(Buffer.from(wanted.value).toString(), wanted.lease)
    return { succeeded: true, responses: [{}] }
  }
  const registry = etcdRegistry({ endpoints: [etcd.address], ttlMs })
  const announced: Registration[] = []
  const announce = async () => {
    const onTrouble = ({ message }: Error) => void troubles.push(message)
    const registration = await registry.announce(instance, { signal, onTrouble })
    announced.push(registration)
    return registration
  }
  const expire = (lease: bigint) => {
    leases.delete(lease)
    if (kept.lease === lease) remove()
  }
  const end = async () => {
    for (const registration of announced) await registration.withdraw({ signal })
    await registry.close?.()
    await etcd[Symbol.asyncDispose]()
  }
  return { etcd, kept, puts, put, remove, expire, leases, announce, troubles, [Symbol.asyncDispose]: end }
}

afterEach(() => void vi.restoreAllMocks())

describe('a registration in etcd', () => {
  it('puts the instance under a lease of its time to live', async () => {
    await using stage = await started()
    const { etcd, announce, puts } = stage
    await announce()
    expect(etcd.asked[0]).toMatchObject({ method: 'leaseGrant', request: { ttl: 15n } })
    expect(puts).toHaveLength(1)
    expect(JSON.parse(puts[0]?.value ?? '')).toMatchObject({ format: 1, ...instance })
    expect(puts[0]?.lease).toBe(101n)
  })

  it('is renewed without being put again, which every watch would be told', async () => {
    await using stage = await started(3_000)
    const { etcd, announce, puts, kept } = stage
    await announce()
    const watch = await etcd.watch(0)
    watch.put(key, kept.value)
    await eventually(() => expect(etcd.countOf('txn')).toBe(2))
    expect(etcd.countOf('leaseKeepAlive')).toBe(1)
    expect(puts).toHaveLength(1)
  })

  it('is put right when something else has written its key', async () => {
    await using stage = await started()
    const { etcd, announce, puts, kept } = stage
    await announce()
    const watch = await etcd.watch(0)
    const [value, other] = [kept.value, kept.value.replace('1.0.0', '6.6.6')]
    kept.value = other
    watch.put(key, other)
    await eventually(() => expect(kept.value).toBe(value))
    expect(puts).toHaveLength(2)
  })

  it('is put again under a new lease when etcd has lost the lease and the key', async () => {
    await using stage = await started()
    const { etcd, announce, puts, expire, kept } = stage
    const { lost } = await announce()
    const watch = await etcd.watch(0)
    expire(101n)
    watch.send({ events: [{ type: 1, kv: { key: bytes(key) } }] })
    await eventually(() => expect(kept.lease).toBe(102n))
    expect(puts.map(({ value }) => value)).toEqual([puts[0]?.value, puts[0]?.value])
    expect(lost.aborted).toBe(false)
  })

  it('is put again under the lease that it has when the key was deleted', async () => {
    await using stage = await started()
    const { etcd, announce, puts, remove } = stage
    await announce()
    const watch = await etcd.watch(0)
    remove()
    watch.send({ events: [{ type: 1, kv: { key: bytes(key) } }] })
    await eventually(() => expect(puts.map(({ lease }) => lease)).toEqual([101n, 101n]))
  })

  it('is put again when the list after an outage does not have it', async () => {
    await using stage = await started()
    const { etcd, announce, puts, remove } = stage
    await announce()
    const watch = await etcd.watch(0)
    remove()
    watch.fail('UNAVAILABLE', 'gone')
    await eventually(() => expect(puts).toHaveLength(2))
  })

  it('takes its own value back from a lease that it does not know', async () => {
    await using stage = await started()
    const { etcd, announce, puts, put, leases } = stage
    await announce()
    const watch = await etcd.watch(0)
    put(puts[0]?.value ?? '', 999n)
    leases.delete(101n)
    watch.send({ events: [{ type: 1, kv: { key: bytes(key) } }] })
    await eventually(() => expect(puts.at(-1)?.lease).toBe(102n))
  })

  it('is lost when another incarnation has the key, and leaves that alone', async () => {
    await using stage = await started()
    const { etcd, announce, put, kept, leases } = stage
    const registration = await announce()
    const watch = await etcd.watch(0)
    const other = toValue({ instance, incarnation: 'another' })
    put(other, 999n)
    watch.put(key, other)
    await eventually(() => expect(isTakenOver(registration.lost.reason)).toBe(true))
    expect([...leases]).toEqual([])
    await registration.withdraw({ signal })
    expect(kept.value).toBe(other)
  })

  it('leaves no timer behind when a change finds it taken over', async () => {
    const [begun, ended] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')]
    // A third of it is a time that nothing else waits for.
    await using stage = await started(29_991)
    const { etcd, announce, put } = stage
    const registration = await announce()
    await etcd.watch(0)
    const renewal = begun.mock.results[begun.mock.calls.findIndex(([, delayMs]) => delayMs === 9_997)]?.value
    expect(renewal).toBeDefined()
    put(toValue({ instance, incarnation: 'another' }), 999n)
    await registration.update({ weight: 2 }, { signal })
    expect(isTakenOver(registration.lost.reason)).toBe(true)
    expect(ended.mock.calls.flat()).toContain(renewal)
  })

  it('is lost when something else has the key that is no instance', async () => {
    await using stage = await started()
    const { etcd, announce, put } = stage
    const { lost } = await announce()
    const watch = await etcd.watch(0)
    put('{', 999n)
    watch.put(key, '{')
    await eventually(() => expect(lost.aborted).toBe(true))
  })

  it('is withdrawn by the end of its lease, also when that has ended already', async () => {
    await using stage = await started()
    const { etcd, announce, kept, expire } = stage
    const first = await announce()
    await first.withdraw({ signal })
    await first.withdraw({ signal })
    expect(kept.value).toBe('')
    expect(etcd.countOf('leaseRevoke')).toBe(1)
    const second = await announce()
    expire(102n)
    await second.withdraw({ signal })
  })

  it('rejects a withdrawal that etcd refuses, and withdraws when it is asked again', async () => {
    await using stage = await started()
    const { etcd, announce, kept } = stage
    const registration = await announce()
    const { leaseRevoke } = etcd.answers
    etcd.answers.leaseRevoke = () => refused('UNAVAILABLE', 'etcdserver: no leader')
    await expect(registration.withdraw({ signal })).rejects.toThrow(`etcd at ${etcd.address} did not withdraw ${key}`)
    etcd.answers.leaseRevoke = leaseRevoke
    await registration.withdraw({ signal })
    expect(kept.value).toBe('')
  })

  it('leaves nothing behind when the put is refused, or was done although nobody heard of it', async () => {
    await using stage = await started()
    const { etcd, announce, kept, leases } = stage
    const { txn } = etcd.answers
    etcd.answers.txn = (request, metadata) => {
      txn(request, metadata)
      return refused('PERMISSION_DENIED', 'etcdserver: permission denied')
    }
    await expect(announce()).rejects.toThrow(`etcd at ${etcd.address} did not put ${key}: permission denied`)
    expect([...leases]).toEqual([])
    expect(kept.value).toBe('')
  })

  it('tells a change that was refused with the next try', async () => {
    await using stage = await started()
    const { etcd, announce, puts } = stage
    const registration = await announce()
    await etcd.watch(0)
    const { txn } = etcd.answers
    etcd.answers.txn = () => refused('RESOURCE_EXHAUSTED', 'etcdserver: too many requests')
    await expect(registration.update({ health: 'draining' }, { signal })).rejects.toThrow('too many requests')
    etcd.answers.txn = txn
    await eventually(() => expect(JSON.parse(puts.at(-1)?.value ?? '')).toMatchObject({ health: 'draining' }), {
      timeoutMs: 2_000,
    })
  })

  it('gives up a change with its signal, also one that waits for another', async () => {
    await using etcd = await ScriptedEtcd.start()
    await using link = await tcpLink(etcd.port)
    const registry = etcdRegistry({ endpoints: [link.address] })
    const registration = await registry.announce(instance, { signal })
    await link.freeze()
    const [first, second] = [new AbortController(), new AbortController()]
    let isFirstOver = false
    const hanging = registration
      .update({ weight: 2 }, { signal: first.signal })
      .catch(() => undefined)
      .finally(() => (isFirstOver = true))
    const waiting = registration.update({ weight: 3 }, { signal: second.signal })
    second.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(isFirstOver).toBe(false)
    first.abort()
    await hanging
    await expect(registration.withdraw({ signal: second.signal })).rejects.toThrow('enough')
    await registry.close?.()
  })

  it('tells what is wrong with a renewal, and goes on', async () => {
    await using stage = await started()
    const { etcd, announce, troubles, puts, remove } = stage
    const { lost } = await announce()
    const watch = await etcd.watch(0)
    const { leaseKeepAlive } = etcd.answers
    etcd.answers.leaseKeepAlive = () => refused('UNAVAILABLE', 'etcdserver: no leader')
    remove()
    watch.send({ events: [{ type: 1, kv: { key: bytes(key) } }] })
    await eventually(() => expect(troubles[0]).toContain(`did not renew the lease of ${key}: no leader`))
    etcd.answers.leaseKeepAlive = leaseKeepAlive
    await eventually(() => expect(puts).toHaveLength(2))
    expect(lost.aborted).toBe(false)
  })
})
