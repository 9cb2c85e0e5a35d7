import { describe, expect, it, vi } from 'vitest'
import { memoryRegistry } from '../../registry/memory-registry.ts'
import type { Discovery, Instance } from '../../registry/registry.ts'
import type { Logger } from '../../telemetry/log.ts'
import { ServiceDirectory } from './service-directory.ts'

const { signal } = new AbortController()
const instance = (id: string): Instance => ({ id, name: 'user', version: '1.0.0', endpoints: [] })

function logging() {
  const log: Logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn(), child: () => log }
  return log
}

const ids = (instances: readonly Instance[] | undefined) => instances?.map(({ id }) => id)

describe('ServiceDirectory', () => {
  it('knows the newest list of a name, watches it once, and tells of every change', async () => {
    const registry = memoryRegistry()
    const watch = vi.spyOn(registry, 'watch')
    const directory = new ServiceDirectory(registry, logging())
    const known = directory.of('user')
    expect(directory.of('user')).toBe(known)
    expect(known.instances).toBeUndefined()
    await vi.waitFor(() => expect(known.instances).toBeDefined())
    expect(known.instances).toEqual([])
    const heard = vi.fn()
    const listening = known.onChange((instances) => heard(ids(instances)))
    await registry.announce(instance('a'), { signal })
    await vi.waitFor(() => expect(heard.mock.calls).toEqual([[[]], [['a']]]))
    listening[Symbol.dispose]()
    await registry.announce(instance('b'), { signal })
    await vi.waitFor(() => expect(ids(known.instances)).toEqual(['a', 'b']))
    expect(heard).toHaveBeenCalledTimes(2)
    expect(watch).toHaveBeenCalledTimes(1)
    await directory.close()
    expect(watch.mock.calls[0]?.[1].signal.aborted).toBe(true)
    expect(() => directory.of('order')).toThrow('looks for nobody any more')
  })

  it('keeps the last list where a watch ends or fails all the same, begins it anew, and tells of it once', async () => {
    const log = logging()
    const answers: (() => AsyncGenerator<readonly Instance[]>)[] = [
      async function* () {
        yield [instance('a')]
        throw new Error('cut')
      },
      async function* () {
        yield* []
      },
      async function* () {
        yield* []
        throw new Error('cut')
      },
    ]
    const discovery: Discovery = {
      watch: async function* (_name, options) {
        const answer = answers.shift()
        if (answer) return yield* answer()
        yield [instance('a'), instance('b')]
        await new Promise((resolve) => options.signal.addEventListener('abort', resolve))
      },
    }
    const directory = new ServiceDirectory(discovery, log)
    const known = directory.of('user')
    await vi.waitFor(() => expect(known.instances).toBeDefined())
    await vi.waitFor(() => expect(ids(known.instances)).toEqual(['a', 'b']))
    expect(log.warn).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ remote: 'user', instanceCount: 1 }),
      'the registry cannot be asked for the service; the last list stays in force',
    )
    expect(log.info).toHaveBeenCalledExactlyOnceWith(
      { remote: 'user', troubleCount: 3 },
      'the registry tells of the service again',
    )
    await directory.close()
  })

  it('logs what a listener throws, and goes on', async () => {
    const log = logging()
    const registry = memoryRegistry()
    const known = new ServiceDirectory(registry, log).of('user')
    known.onChange(() => {
      throw new Error('mistaken')
    })
    const heard = vi.fn()
    known.onChange((instances) => heard(ids(instances)))
    await registry.announce(instance('a'), { signal })
    await vi.waitFor(() => expect(heard).toHaveBeenLastCalledWith(['a']))
    expect(log.error).toHaveBeenCalledWith(
      { err: expect.objectContaining({ message: 'mistaken' }), remote: 'user' },
      'who follows the instances of a service has failed',
    )
    expect(log.warn).not.toHaveBeenCalled()
  })
})
