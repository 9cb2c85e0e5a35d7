import type { Transport } from '../transport/transport.ts'
import type { ConfigSpec } from './config/config.ts'
import { type HookLists, hookPoints } from './lifecycle/bound-hooks.ts'
import type { ServiceOptions } from './service-options.ts'

/** What a process has beside a service and stops with it, such as a server of its own. Comes behind what the service itself has. */
export interface AttachedPart extends HookLists {
  /** @defaultValue none */
  readonly transports?: readonly Transport[]
}

/** The options of a service that has the part too. */
export function withPart<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  part: AttachedPart,
): ServiceOptions<Config> {
  const { transports = [] } = part
  const hooks: HookLists = Object.fromEntries(
    hookPoints.map((point) => [point, [...(options[point] ?? []), ...(part[point] ?? [])]]),
  )
  return { ...options, ...hooks, transports: (settings) => [...(options.transports?.(settings) ?? []), ...transports] }
}
