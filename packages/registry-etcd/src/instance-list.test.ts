import type { Instance } from '@tenon/core/registry'
import { describe, expect, it } from 'vitest'
import { toKey, toValue } from './etcd-mapping.ts'
import { InstanceList } from './instance-list.ts'

const prefix = '/p'
const endpoints = [{ protocol: 'http', host: '10.0.0.1', port: 80 }]

function entryOf(id: string, fields: Partial<Instance> = {}) {
  const instance = { id, name: 'user', version: '1', endpoints, ...fields }
  return { key: toKey(prefix, instance), text: toValue({ instance, incarnation: `of ${id}` }) }
}

function listed() {
  const troubles: string[] = []
  const list = new InstanceList({ prefix, name: 'user', onTrouble: ({ message }) => troubles.push(message) })
  return { list, troubles, ids: () => list.snapshot().map(({ id }) => id) }
}

describe('InstanceList', () => {
  it('has what the keys say, ordered by id', () => {
    const { list, ids } = listed()
    list.replace([entryOf('c'), entryOf('a')])
    list.change([entryOf('b'), { key: entryOf('c').key, isDeleted: true }])
    expect(ids()).toEqual(['a', 'b'])
    list.replace([entryOf('d')])
    expect(ids()).toEqual(['d'])
  })

  it('keeps the object of an instance that has not changed, also over a new list', () => {
    const { list } = listed()
    list.replace([entryOf('a'), entryOf('b')])
    const [a, b] = list.snapshot()
    list.change([entryOf('b', { weight: 5 })])
    expect(list.snapshot()[0]).toBe(a)
    expect(list.snapshot()[1]).not.toBe(b)
    list.replace([entryOf('a'), entryOf('b')])
    expect(list.snapshot()[0]).toBe(a)
    expect(list.snapshot()[1]).toEqual(b)
  })

  it('leaves out what is no instance, and tells of each value once', () => {
    const { list, troubles, ids } = listed()
    const broken = { key: '/p/user/broken', text: '{"id":' }
    list.replace([entryOf('a'), broken, { key: '/p/user/bytes', text: undefined }])
    list.replace([entryOf('a'), broken, { key: '/p/user/bytes', text: undefined }])
    expect(ids()).toEqual(['a'])
    expect(troubles).toEqual([
      'etcd: the value of /p/user/broken is left out, for it is no JSON',
      'etcd: the value of /p/user/bytes is left out, for it is no UTF-8',
    ])
    list.change([{ key: broken.key, text: '[]' }])
    expect(troubles.at(-1)).toBe('etcd: the value of /p/user/broken is left out, for it is no JSON object')
    expect(troubles).toHaveLength(3)
  })

  it('leaves out what says that it is another one', () => {
    const { list, troubles, ids } = listed()
    const { key } = entryOf('a')
    list.replace([
      { key, text: entryOf('b').text },
      { key: '/p/user/x', text: entryOf('x', { name: 'order' }).text },
    ])
    expect(ids()).toEqual([])
    expect(troubles).toHaveLength(2)
  })

  it('has an instance again once its value is right', () => {
    const { list, ids } = listed()
    const { key } = entryOf('a')
    list.replace([{ key, text: 'x' }])
    list.change([entryOf('a')])
    expect(ids()).toEqual(['a'])
  })
})
