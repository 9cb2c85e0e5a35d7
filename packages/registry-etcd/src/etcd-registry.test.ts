import { eventually } from '@tenon/testing'
import { expect, it } from 'vitest'
import { toKey, toValue } from './etcd-mapping.ts'
import { etcdRegistry } from './etcd-registry.ts'
import { bytes, ScriptedEtcd } from './scripted-etcd.test-harness.ts'
import { instanceOf, watched } from './watched.test-harness.ts'

it('a list is given for what changes it, and not for what is put again as it is', async () => {
  await using etcd = await ScriptedEtcd.start()
  etcd.answers.range = () => ({ header: { revision: 5n }, kvs: [] })
  const registry = etcdRegistry({ endpoints: [etcd.address] })
  await using watch = watched(registry, 'user')
  await watch.sees([])
  const scripted = await etcd.watch(0)
  const put = (id: string, weight: number) => {
    const instance = instanceOf('user', id, { weight })
    scripted.put(toKey('/tenon/services', instance), toValue({ instance, incarnation: 'one' }))
  }
  put('a', 1)
  await watch.sees(['a'])
  put('a', 1)
  scripted.send({ events: [{ type: 1, kv: { key: bytes('/tenon/services/user/unknown') } }] })
  put('a', 2)
  await eventually(() => expect(watch.lists.at(-1)?.[0]?.weight).toBe(2))
  scripted.send({ events: [{ type: 1, kv: { key: bytes('/tenon/services/user/a') } }] })
  await watch.sees([])
  expect(watch.lists.map((list) => list.map(({ weight }) => weight))).toEqual([[], [1], [2], []])
  await watch.leave()
  await registry.close?.()
})
