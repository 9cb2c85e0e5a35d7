import { type Instance, staticRegistry } from '@tenon/core/registry'
import type { RegistryHarness } from '@tenon/testing/registry'

const fixed = 'it is told in the beginning, and asks nobody'

export const staticHarness: RegistryHarness = {
  name: 'static',
  lacks: {
    announce: fixed,
    change: fixed,
    expire: fixed,
    forget: fixed,
    restart: fixed,
    malformed: 'what cannot be read is refused in the beginning',
    'link.cut': fixed,
    'link.freeze': fixed,
    'link.slow': fixed,
    'link.count': fixed,
  },
  bounds: { seenMs: 10_000, goneMs: 10_000, expiredMs: 10_000, noticedMs: 10_000 },
  start: async () => {
    const services = new Map<string, readonly Instance[]>()
    return {
      open: async () => staticRegistry(Object.fromEntries(services)),
      publish: async (name, instances) => void services.set(name, instances),
      close: async () => undefined,
    }
  },
}
