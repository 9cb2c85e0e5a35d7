export { ConfigError, type SetupProblem } from '../error/setup-error.ts'
export { checkNames, type OptionCheck, optionCheck, type OptionRange } from '../error/option-check.ts'
export { backOffMs, type BackOffOptions } from './back-off.ts'
export type { ConfigSource, ConfigTexts, ConfigWatchOptions } from './config-source.ts'
export { type DnsRegistryOptions, dnsRegistryDefaults, type DnsService } from './dns/dns-options.ts'
export { dnsRegistry } from './dns/dns-registry.ts'
export { memoryRegistry } from './memory-registry.ts'
export { Newest } from './newest.ts'
export { persist, type PersistOptions, type Try } from './persist.ts'
export type {
  AnnounceOptions,
  Discovery,
  Endpoint,
  Instance,
  InstanceChange,
  InstanceHealth,
  Registrar,
  Registration,
  Registry,
  WatchOptions,
} from './registry.ts'
export { staticRegistry, type StaticServices } from './static-registry.ts'
export { isTakenOver, takenOver } from './taken-over.ts'
export { toSnapshot } from './to-snapshot.ts'
export { Turns } from '../transport/turns.ts'
