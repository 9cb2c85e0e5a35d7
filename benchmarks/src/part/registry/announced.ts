import type { Registrar, Registration } from '@tenon/core/registry'
import type { Published } from './registry-place.ts'

/** Consul takes 200 connections from an address. */
const concurrentCount = 50

/** Announces instances by a registry. */
export async function announceAll(
  registry: Registrar & { close?(): Promise<void> },
  { name, count }: { readonly name: string; readonly count: number },
): Promise<Omit<Published, 'messageBytes'>> {
  const { signal } = new AbortController()
  const ids = Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(4, '0')}`)
  const registrations = new Map<string, Registration>()
  const announceOne = async (id: string, index: number) => {
    const host = `10.0.${index >> 8}.${index & 255}`
    const endpoints = [
      { protocol: 'http', host, port: 3001 },
      { protocol: 'grpc', host, port: 50_051 },
    ]
    const instance = { id, name, version: '1.0.0', zone: 'eu-1', endpoints, metadata: { marker: '0' } }
    registrations.set(id, await registry.announce(instance, { signal }))
  }
  for (let begin = 0; begin < count; begin += concurrentCount)
    await Promise.all(ids.slice(begin, begin + concurrentCount).map((id, index) => announceOne(id, begin + index)))
  return {
    ids,
    change: async (id, marker) => registrations.get(id)?.update({ metadata: { marker } }, { signal }),
    [Symbol.asyncDispose]: async () => {
      const all = [...registrations.values()]
      for (let begin = 0; begin < count; begin += concurrentCount)
        await Promise.all(all.slice(begin, begin + concurrentCount).map((one) => one.withdraw({ signal })))
      await registry.close?.()
    },
  }
}
