import { describe, expect, it, vi } from 'vitest'
import { memoryRegistry } from '../registry/memory-registry.ts'
import type { Discovery, Instance } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
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
    await known.first
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
    await known.first
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
})
