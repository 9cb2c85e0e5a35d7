import type { ServiceDescription, SettingDescription } from '@tenon/core'

type Settings = Readonly<Record<string, string>>

/** The `config.env` that an overlay begins with: every setting that is no secret, those that are given with their values. */
export function configText(service: ServiceDescription, given: Settings = {}): string {
  const settings = service.settings.filter(({ isSecret, variable }) => !isSecret && !ownVariables.includes(variable))
  return [
    `# Settings of ${service.name} here: one NAME=value a line, without quotes. They become the ConfigMap ${service.name}-config.`,
    '# Secrets belong to secret.env.example. This file is yours: generate writes it once, and reads it.',
    ...settings.flatMap((setting) => linesOf(setting, given)),
    '',
    '# least level that is logged; default info',
    '# LOG_LEVEL=info',
    '',
  ].join('\n')
}

/** The `secret.env.example` that an overlay begins with; undefined for a service without secrets. */
export function secretText(service: ServiceDescription, given: Settings = {}): string | undefined {
  const settings = service.settings.filter(({ isSecret }) => isSecret)
  if (settings.length === 0) return undefined
  const secret = `${service.name}-secret`
  return [
    `# What the Secret ${secret} must hold, with made-up values. Copy it to a place outside of Git, fill it, and`,
    `#   kubectl create secret generic ${secret} --from-env-file=<file>`,
    '# Hosts and ports in it are read for the network policy. This file is yours: generate writes it once, and reads it.',
    ...settings.flatMap((setting) => linesOf(setting, given)),
    '',
  ].join('\n')
}

/** The variables of such a file, as `kubectl` and `kustomize` read it: no quotes, no blanks around the name. */
export function readEnvFile(text: string): Settings {
  const lines = text.split(/\r?\n/).map((line) => line.trimStart())
  const pairs = lines.filter((line) => line !== '' && !line.startsWith('#') && line.includes('='))
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** What a pod is told of itself, for its telemetry, by variables. @see `@tenon/observability`, the resource */
export const downwardFields = Object.freeze({
  POD_NAME: 'metadata.name',
  POD_NAMESPACE: 'metadata.namespace',
  POD_UID: 'metadata.uid',
  NODE_NAME: 'spec.nodeName',
})

/** Set in the Deployment itself. */
const ownVariables: readonly string[] = [
  'TENON_HOST',
  'TENON_KILL_DELAY_MS',
  'LOG_LEVEL',
  ...Object.keys(downwardFields),
]

function linesOf(
  { variable, expected, isRequired, isSecret, fallback }: SettingDescription,
  { [variable]: given }: Settings,
): readonly string[] {
  if (given !== undefined) return ['', `# ${expected}`, `${variable}=${given}`]
  const value = isSecret || fallback === undefined ? '' : valueOf(fallback)
  const usual = value === '' ? 'optional' : `default ${value}`
  if (isRequired && expected === portRange)
    return ['', `# ${expected}; required, this is an example`, `${variable}=8080`]
  return isRequired
    ? ['', `# ${expected}; required, the service cannot start without`, `${variable}=`]
    : ['', `# ${expected}; ${usual}`, `# ${variable}=${value}`]
}

function valueOf(fallback: unknown): string {
  return Array.isArray(fallback) ? fallback.join(',') : String(fallback)
}

/** Any port will do in a pod, and no manifest can be without it. @see `port()` of `@tenon/core`, whose `expected` it is */
const portRange = 'a whole number from 0 to 65535'
