import { expect, it } from 'vitest'
import { InstanceList } from './instance-list.ts'

function entry(id: string, { node = 'n', port = 1, status = 'passing', output = '', created = 1 } = {}) {
  const Service = { ID: id, Service: 'user', CreateIndex: created, Meta: { 'tenon-endpoints': `http=h:${port}` } }
  return { Node: { Node: node }, Service, Checks: [{ CheckID: `tenon:${id}`, Status: status, Output: output }] }
}

const read = (list: InstanceList, ...entries: unknown[]) => list.read(JSON.stringify(entries))

it('is the same list where nothing changed but what nobody reads', () => {
  const list = new InstanceList('user')
  const { snapshot } = read(list, entry('b'), entry('a'))
  expect(snapshot.map(({ id }) => id)).toEqual(['a', 'b'])
  expect(read(list, entry('a', { output: 'said' }), entry('b')).snapshot).toBe(snapshot)
})

it('keeps the instances that did not change', () => {
  const list = new InstanceList('user')
  const before = read(list, entry('a'), entry('b')).snapshot
  const after = read(list, entry('a'), entry('b', { port: 2 })).snapshot
  expect(after[0]).toBe(before[0])
  expect(after[1]?.endpoints[0]?.port).toBe(2)
  expect(read(list, entry('a'), entry('b', { port: 2, status: 'critical' })).snapshot).toEqual([before[0]])
})

it('tells of each record that cannot be read, and has the others', () => {
  const list = new InstanceList('user')
  const foreign = { Node: { Node: 'n' }, Service: { ID: 'x', Service: 'user' } }
  const { snapshot, problems } = read(list, entry('a'), foreign, 7)
  expect(problems).toHaveLength(2)
  expect(snapshot).toHaveLength(1)
  expect(read(list, entry('a'))).toEqual({ snapshot, problems: [] })
})

it('has the one that was announced later of an id that the agents of two nodes have', () => {
  const list = new InstanceList('user')
  const [old, young] = [entry('a', { node: 'one', created: 3 }), entry('a', { node: 'two', port: 2, created: 12 })]
  for (const order of [
    [old, young],
    [young, old],
  ])
    expect(read(list, ...order).snapshot.map(({ endpoints }) => endpoints[0]?.port)).toEqual([2])
})

it.each(['no JSON', '{}', 'null'])('is no list: %s', (text) => {
  expect(() => new InstanceList('user').read(text)).toThrow('what Consul says of user is no')
})
