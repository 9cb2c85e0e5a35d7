import type { ServiceDescription } from '@tenon/core'
import { FaultError } from '../../command/command.ts'
import { type GeneratedFile, markOf } from '../generated-file.ts'
import { tagOf } from '../version-tag.ts'
import { isLoopback } from '../loopback.ts'
import { deployment } from './deployment.ts'
import { configText, secretText } from './env-file.ts'
import { baseKustomization, overlayKustomization } from './kustomization.ts'
import type { ManifestInput, OverlayInput } from './manifest-input.ts'
import { type Names, namesOf } from './names.ts'
import { networkPolicy } from './network-policy.ts'
import { asksApiServer, endpointReader } from './endpoint-reader.ts'
import { foundServices, peersOf } from './peer.ts'
import { type PodPorts, podPorts } from './pod-port.ts'
import { autoscaler, disruptionBudget } from './scaling.ts'
import { registryWarnings } from './registry-warnings.ts'
import { serviceMonitor } from './service-monitor.ts'
import { services } from './services.ts'
import { manifestText } from './manifest-text.ts'

/** What was made, and what of it the user has to know. */
export interface Manifests {
  /** Below the folder of the service. */
  readonly files: readonly GeneratedFile[]
  readonly warnings: readonly string[]
}

/**
 * The manifests of a service: a base that is the same everywhere, and an overlay for each place.
 *
 * @throws FaultError for a service that cannot run in a pod, for overlays that would need bases of their own, and for secrets in `config.env`.
 */
export function manifests({ overlays, options }: ManifestInput): Manifests {
  const [first] = overlays
  if (first === undefined) throw new FaultError('no overlay was named')
  const service = first.description
  const names = namesOf(service, options)
  const ports = podPorts(service)
  for (const overlay of overlays) checkSecrets(overlay)
  const base = baseFiles({ overlays, options }, { service, names, ports })
  for (const other of overlays.slice(1)) {
    const theirs = baseFiles(
      { overlays, options },
      { service: other.description, names, ports: podPorts(other.description) },
    )
    checkSame(base, theirs, { service: service.name, overlays: [first.name, other.name] })
  }
  const image = options.image ?? `${names.service}:${tagOf(service.version)}`
  return {
    files: [...base, ...overlays.flatMap((overlay) => overlayFiles(overlay, image, { names, ports, options }))],
    warnings: [...ports.warnings, ...overlays.flatMap(warningsOf)],
  }
}

interface BaseParts {
  readonly service: ServiceDescription
  readonly names: Names
  readonly ports: PodPorts
}

function baseFiles(
  { overlays, options }: ManifestInput,
  { service, names, ports }: BaseParts,
): readonly GeneratedFile[] {
  const objects: Readonly<Record<string, readonly object[]>> = {
    'service-account.yaml': [serviceAccount(names, service)],
    'role.yaml': asksApiServer(service) ? endpointReader(names) : [],
    'deployment.yaml': [deployment({ service, names, ports, options, overlays })],
    'service.yaml': services(ports, names),
    'pod-disruption-budget.yaml': [disruptionBudget(names)],
    'horizontal-pod-autoscaler.yaml': [autoscaler(service, names, options)],
    'service-monitor.yaml': options.metricsPort === undefined ? [] : serviceMonitor(names, options.metricsPort),
  }
  const present = Object.entries(objects).filter(([, those]) => those.length > 0)
  const kustomization = baseKustomization(present.map(([name]) => name))
  return [...present, ['kustomization.yaml', [kustomization]] as const].map(([name, those]) => ({
    path: `base/${name}`,
    text: manifestText(headOf(service.name), those),
  }))
}

function overlayFiles(
  { name, description }: OverlayInput,
  image: string,
  { names, ports, options }: Pick<BaseParts, 'names' | 'ports'> & Pick<ManifestInput, 'options'>,
): readonly GeneratedFile[] {
  const folder = `overlays/${name}`
  const reached = [...ports.transports, ports.admin].map(({ number }) => number)
  const policy = networkPolicy({
    names,
    ports: options.metricsPort === undefined ? reached : [...reached, options.metricsPort],
    peers: peersOf(description),
    found: foundServices(description),
    asksApiServer: asksApiServer(description),
  })
  const secret = secretText(description, options.given)
  const selfReached = peersOf(description).filter(({ host }) => isLoopback(host))
  return [
    overlayKustomization(name, image, names),
    { path: `${folder}/config.env`, text: configText(description, options.given), isStarter: true },
    ...(secret === undefined ? [] : [{ path: `${folder}/secret.env.example`, text: secret, isStarter: true }]),
    {
      path: `${folder}/network-policy.yaml`,
      text: manifestText(
        [
          ...headOf(names.service),
          'The peers are those of config.env and secret.env.example of this folder: generate again after a change.',
          ...selfReached.map(
            ({ host, port, reasons }) =>
              `No rule for ${reasons.join(', ')} at ${host}:${port}, which is the pod itself: config.env must say where it is.`,
          ),
        ],
        [policy],
      ),
    },
  ]
}

function headOf(service: string): readonly string[] {
  return [markOf('kubernetes', service), 'Change it by a patch in an overlay: what is written here is overwritten.']
}

function serviceAccount({ service, labels }: Names, description: ServiceDescription): object {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: service, labels },
    automountServiceAccountToken: asksApiServer(description),
  }
}

/** One base serves all overlays, so that nothing in it may hang on the settings of one. */
function checkSame(
  base: readonly GeneratedFile[],
  theirs: readonly GeneratedFile[],
  { service, overlays: [first, other] }: { readonly service: string; readonly overlays: readonly [string, string] },
): void {
  for (const { path, text } of base) {
    const lines = text.split('\n')
    const theirLines = theirs.find((file) => file.path === path)?.text.split('\n') ?? []
    const index = lines.findIndex((line, at) => line !== theirLines[at])
    if (index === -1 && theirLines.length === lines.length) continue
    const found = `"${lines[index]?.trim() ?? ''}" in ${first}, "${theirLines[index]?.trim() ?? ''}" in ${other}`
    throw new FaultError(
      `${service}: ${path} would differ between overlays: ${found}. Give ports, limits and checks the same settings in config.env of both`,
    )
  }
}

/** Whatever `config.env` has can be read by everybody who may look into the namespace, and into Git. */
function checkSecrets({ name, description, config }: OverlayInput): void {
  const shown = description.settings.find(({ isSecret, variable }) => isSecret && config[variable] !== undefined)
  if (shown !== undefined)
    throw new FaultError(
      `overlays/${name}/config.env: ${shown.variable} is a secret: take it out, and put a made-up value into secret.env.example`,
    )
}

/** What names no server, but is shown to one. */
const credentialForm = /(?:PASSWORD|TOKEN|SECRET|KEY)$/

function warningsOf({ name, description, config, secrets }: OverlayInput): readonly string[] {
  const folder = `overlays/${name}`
  return [
    ...peersOf(description)
      .filter(({ host }) => isLoopback(host))
      .map(
        ({ host, port, reasons }) =>
          `${folder}: ${reasons.join(', ')} is at ${host}:${port}, which is the pod itself: set the variable it comes from in config.env, then generate again`,
      ),
    ...description.transports
      .filter(({ carriesEvents, connectsTo = [] }) => carriesEvents && connectsTo.length === 0)
      .map(
        (transport) =>
          `${folder}: transport ${transport.name} names no broker, so that its messages may never leave the pod: set the variable it comes from in config.env, then generate again`,
      ),
    ...(description.configSources ? [] : description.settings)
      .filter(({ isSecret, isRequired, variable }) => isRequired && !isSecret && !config[variable])
      .map(({ variable }) => `${folder}: ${variable} is required, but config.env does not set it`),
    ...registryWarnings(description).map((warning) => `${folder}: ${warning}`),
    ...description.settings
      .filter(({ isSecret, variable }) => isSecret && !secrets[variable] && !credentialForm.test(variable))
      .map(
        ({ variable }) =>
          `${folder}: ${variable} is not set in secret.env.example: a server that it names is missing from the network policy`,
      ),
  ]
}
