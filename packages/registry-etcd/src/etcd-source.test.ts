import { eventually } from '@tenon/testing'
import { describe, expect, it } from 'vitest'
import { etcdSource } from './etcd-source.ts'
import { bytes, ScriptedEtcd } from './scripted-etcd.test-harness.ts'

const prefix = '/config/user/'
const variables = ['PORT', 'LEVEL']

function following(address: string, given = prefix) {
  const source = etcdSource({ endpoints: [address], prefix: given })
  const left = new AbortController()
  const told: object[] = []
  const troubles: string[] = []
  const read = async () => {
    const { signal } = left
    const onTrouble = ({ message }: Error) => void troubles.push(message)
    for await (const texts of source.watch({ signal, variables, onTrouble })) told.push(texts)
  }
  const reading = read()
  const leave = async () => {
    left.abort()
    await reading
    await source.close?.()
    await source.close?.()
  }
  const newest = (texts: object) => eventually(() => expect(told.at(-1)).toEqual(texts))
  return { told, troubles, newest, [Symbol.asyncDispose]: leave }
}

const kv = (name: string, value: string | Uint8Array) => ({ key: bytes(prefix + name), value: bytes(value) })

describe('etcdSource', () => {
  it('tells the variables that are asked for, and every change of them', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.answers.range = () => ({
      header: { revision: 3n },
      kvs: [kv('PORT', '80'), kv('OTHER', 'x'), kv('PORT/x', 'y')],
    })
    await using source = following(etcd.address)
    await source.newest({ PORT: '80' })
    const watch = await etcd.watch(0)
    watch.put(`${prefix}LEVEL`, 'debug')
    await source.newest({ PORT: '80', LEVEL: 'debug' })
    watch.send({ events: [{ type: 1, kv: { key: bytes(`${prefix}PORT`) } }, { kv: kv('LEVEL', '') }] })
    await source.newest({ LEVEL: '' })
    expect(source.troubles).toEqual([])
  })

  it('tells what is there after an outage, without what was deleted in it', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.answers.range = () => ({ header: { revision: 3n }, kvs: [kv('PORT', '80'), kv('LEVEL', 'info')] })
    await using source = following(etcd.address)
    const watch = await etcd.watch(0)
    await source.newest({ PORT: '80', LEVEL: 'info' })
    etcd.answers.range = () => ({ header: { revision: 9n }, kvs: [kv('PORT', '81')] })
    watch.fail('UNAVAILABLE', 'gone')
    await source.newest({ PORT: '81' })
  })

  it('tells nothing anew when nothing that is asked for has changed', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.answers.range = () => ({ header: { revision: 3n }, kvs: [kv('PORT', '80')] })
    await using source = following(etcd.address)
    await source.newest({ PORT: '80' })
    const watch = await etcd.watch(0)
    watch.put(`${prefix}OTHER`, 'x')
    watch.put(`${prefix}PORT`, '80')
    watch.put(`${prefix}LEVEL`, 'debug')
    await source.newest({ PORT: '80', LEVEL: 'debug' })
    expect(source.told).toEqual([{ PORT: '80' }, { PORT: '80', LEVEL: 'debug' }])
  })

  it('adds the slash that its prefix lacks', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.answers.range = () => ({ header: { revision: 3n }, kvs: [kv('PORT', '80')] })
    await using source = following(etcd.address, '/config/user')
    await source.newest({ PORT: '80' })
    expect(etcd.asked[0]?.request).toEqual({ key: Buffer.from(prefix), rangeEnd: Buffer.from('/config/user0') })
  })

  it('keeps the text of a variable whose value is no UTF-8, and tells so', async () => {
    await using etcd = await ScriptedEtcd.start()
    const noText = new Uint8Array([0xc3, 0x28])
    etcd.answers.range = () => ({ header: { revision: 3n }, kvs: [kv('PORT', '80'), kv('OTHER', noText)] })
    await using source = following(etcd.address)
    const watch = await etcd.watch(0)
    watch.put(`${prefix}PORT`, noText)
    await eventually(() => expect(source.troubles).toHaveLength(1))
    etcd.answers.range = () => ({ header: { revision: 9n }, kvs: [kv('PORT', noText), kv('LEVEL', 'info')] })
    watch.send({ compactRevision: 8n })
    await source.newest({ PORT: '80', LEVEL: 'info' })
    expect(source.troubles[0]).toBe('etcd: the value of /config/user/PORT is left out, for it is no UTF-8')
  })
})
