import { describe, expect, it } from 'vitest'
import { memoryRegistry } from './memory-registry.ts'
import type { Instance } from './registry.ts'

const instance = (id: string, name = 'user'): Instance => ({
  id,
  name,
  version: '1.0.0',
  endpoints: [{ protocol: 'http', host: '127.0.0.1', port: 1 }],
})

/** The snapshots of a watch as lists of ids, one at a time. */
function watching(registry: ReturnType<typeof memoryRegistry>, name: string, signal: AbortSignal) {
  const snapshots = registry.watch(name, { signal })[Symbol.asyncIterator]()
  return {
    next: async () => {
      const step = await snapshots.next()
      return step.done === true ? 'ended' : (step.value as readonly Instance[]).map(({ id }) => id)
    },
    leave: () => snapshots.return?.(),
  }
}

describe('memoryRegistry', () => {
  it('shows what is announced at once, then every change as a full snapshot of one name', async () => {
    const registry = memoryRegistry()
    const { signal } = new AbortController()
    const first = await registry.announce(instance('a'), { signal })
    await registry.announce(instance('x', 'order'), { signal })
    const watch = watching(registry, 'user', signal)
    expect(await watch.next()).toEqual(['a'])
    const changed = watch.next()
    await registry.announce(instance('b'), { signal })
    expect(await changed).toEqual(['a', 'b'])
    await first.withdraw({ signal })
    await first.withdraw({ signal })
    expect(await watch.next()).toEqual(['b'])
  })

  it('misses no change that comes while the reader is busy', async () => {
    const registry = memoryRegistry()
    const { signal } = new AbortController()
    const watch = watching(registry, 'user', signal)
    expect(await watch.next()).toEqual([])
    await registry.announce(instance('a'), { signal })
    await registry.announce(instance('b'), { signal })
    expect(await watch.next()).toEqual(['a', 'b'])
  })

  it('ends a watch with its signal, also one that waits', async () => {
    const registry = memoryRegistry()
    const ending = new AbortController()
    const watch = watching(registry, 'user', ending.signal)
    await watch.next()
    const waiting = watch.next()
    ending.abort()
    expect(await waiting).toBe('ended')
    expect(await watching(registry, 'user', ending.signal).next()).toBe('ended')
    expect(await watch.leave()).toMatchObject({ done: true })
  })

  it('does not withdraw an instance that was announced again under the same id', async () => {
    const registry = memoryRegistry()
    const { signal } = new AbortController()
    const old = await registry.announce(instance('a'), { signal })
    const again = await registry.announce({ ...instance('a'), version: '2.0.0' }, { signal })
    await old.withdraw({ signal })
    expect(await watching(registry, 'user', signal).next()).toEqual(['a'])
    expect(again.lost.aborted).toBe(false)
  })
})
