import { memoryRegistry } from '@tenon/core/registry'
import type { RegistryHarness } from './registry-harness.ts'

/** The harness of `memoryRegistry()`, and the shortest example of one. */
export function memoryRegistryHarness(): RegistryHarness {
  const noLink = 'it is inside the process, and nothing lies between'
  const noServer = 'it is inside the process, and has no server'
  return {
    name: 'memory',
    lacks: {
      'link.cut': noLink,
      'link.freeze': noLink,
      'link.slow': noLink,
      'link.count': noLink,
      expire: 'it ends with the process that announces',
      forget: noServer,
      restart: noServer,
      malformed: 'it has nothing but instances',
    },
    bounds: { seenMs: 1_000, goneMs: 1_000, expiredMs: 1_000, noticedMs: 1_000 },
    start: async () => {
      const registry = memoryRegistry()
      return { open: async () => registry, close: async () => undefined }
    },
  }
}
