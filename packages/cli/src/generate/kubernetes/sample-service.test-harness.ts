import type { ServiceDescription } from '@tenon/core'
import type { ManifestInput, ManifestOptions, OverlayInput } from './manifest-input.ts'
import { type Manifests, manifests } from './manifests.ts'

/** A service with an HTTP transport and nothing else, but for what is given. */
export function described(fields: Partial<ServiceDescription> = {}): ServiceDescription {
  return { ...bare, ...fields }
}

/** A transport that listens. */
export function listening(name: string, port: number, protocol = name): ServiceDescription['transports'][number] {
  const host = '0.0.0.0'
  return { name, carriesEvents: false, provides: [], listensAt: [{ protocol, host, port }] }
}

/** A check with what a test does not care about. */
export function checked(
  name: string,
  fields: Partial<ServiceDescription['checks'][number]>,
): ServiceDescription['checks'][number] {
  return { name, needs: [], affects: 'none', intervalMs: 5000, timeoutMs: 2000, gracePeriodMs: 0, ...fields }
}

/** The manifests of a service with one overlay. */
export function manifestsFor(
  description: ServiceDescription,
  options: Partial<ManifestOptions> = {},
  environment: Partial<Pick<OverlayInput, 'config' | 'secrets'>> = {},
): Manifests & { readonly text: (path: string) => string | undefined } {
  const input: ManifestInput = {
    overlays: [{ name: 'production', description, config: {}, secrets: {}, ...environment }],
    options: { replicas: { min: 2, max: 6 }, ...options },
  }
  const made = manifests(input)
  return { ...made, text: (path) => made.files.find((file) => file.path === path)?.text }
}

const bare: ServiceDescription = {
  name: 'note',
  version: '1.2.3',
  handlers: [],
  operations: [],
  consumers: [],
  schedules: [],
  providers: [],
  checks: [],
  remotes: [],
  tasks: [],
  hooks: [],
  transports: [listening('http', 3000)],
  admin: { host: '0.0.0.0', port: 9000, hasToken: false },
  isRegistered: false,
  settings: [],
  limits: {
    callTimeoutMs: 30_000,
    startTimeoutMs: 90_000,
    shutdownTimeoutMs: 25_000,
    deregisterDelayMs: 0,
    deregisterDelayInKubernetesMs: 5_000,
  },
  security: {
    hasAuthenticator: false,
    defaultAccess: 'public',
    forwardedMetadata: [],
    areOutputsChecked: false,
  },
}
