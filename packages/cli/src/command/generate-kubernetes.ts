import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceDescription } from '@tenon/core'
import { describedService } from '../child/described-service.ts'
import { textOf } from '../generate/compared-file.ts'
import { markOf } from '../generate/generated-file.ts'
import { describeWith, firstDescription } from '../generate/first-description.ts'
import { configText, readEnvFile, secretText } from '../generate/kubernetes/env-file.ts'
import type { ManifestOptions, OverlayInput, ReplicaRange } from '../generate/kubernetes/manifest-input.ts'
import { manifests } from '../generate/kubernetes/manifests.ts'
import { writeFiles } from '../generate/write-files.ts'
import { type Command, type Surroundings, UsageError } from './command.ts'
import { generateChoices, generateOptions } from './generate-options.ts'
import type { ParsedArguments } from './parse-arguments.ts'

export const generateKubernetesCommand: Command = {
  usage: 'generate kubernetes <service.ts>',
  summary: 'Writes the manifests of a service for kustomize: a base, and an overlay for each place where it runs.',
  options: {
    ...generateOptions,
    image: { type: 'string', value: '<name:tag>', about: 'default: name and version of the service' },
    overlay: {
      type: 'string',
      value: '<names>',
      about: 'with commas between; default: those that are there, else local,production',
    },
    replicas: { type: 'string', value: '<min-max>', about: 'of the autoscaler; default: 2-6' },
    'part-of': { type: 'string', value: '<name>', about: 'label of the whole that the service is a part of' },
    'service-monitor': { type: 'boolean', about: 'adds a ServiceMonitor for the operator of Prometheus' },
    'metrics-port': {
      type: 'string',
      value: '<port>',
      about: 'where the code serves a page for Prometheus; default: 9464',
    },
  },
  notes: [
    'Settings of a place are lines of its config.env and secret.env.example, which are read by the next run.',
    'Those that --set gives are written into these files when they are new.',
    'default --out: deploy/kubernetes/<name>. Apply it with kubectl apply -k <folder>/overlays/<name>.',
  ],
  run: async (given, surroundings) => {
    const file = given.only('file of a service')
    const { out, exportName, given: settings, ...choices } = generateChoices(given)
    const options = manifestOptions(given)
    const named = overlayNames(given)
    const describe = (environment: Readonly<Record<string, string>>) =>
      describedService({ file, exportName, environment }, surroundings)
    const folderOf = (service: string) => out ?? join('deploy', 'kubernetes', service)
    const bare = await firstDescription({
      describe,
      given: settings,
      settingsOf: async (service) => presentSettings(folderOf(service), named),
    })
    const outFolder = folderOf(bare.name)
    const overlays = await Promise.all(
      (named ?? (await presentOverlays(outFolder))).map(async (name): Promise<OverlayInput> => {
        const folder = join(outFolder, 'overlays', name)
        const variables = await variablesOf(folder, bare, settings)
        const environment = { ...settings, ...variables.config, ...variables.secrets }
        const description = await describeWith({ describe, environment, file: join(folder, 'config.env') })
        return { name, ...variables, description }
      }),
    )
    const { files, warnings } = manifests({ overlays, options: { ...options, given: settings } })
    tellWarnings(warnings, surroundings)
    const mark = markOf('kubernetes', bare.name)
    return writeFiles(files, { ...choices, outFolder, mark, ownFolder: '.', terminal: surroundings.terminal })
  },
}

function tellWarnings(warnings: readonly string[], { terminal }: Surroundings): void {
  for (const warning of warnings) terminal.complain(`tenon: ${warning}`)
}

/** @throws UsageError */
function manifestOptions(given: ParsedArguments): ManifestOptions {
  const image = given.text('image')
  if (image !== undefined && !/^[^\s:@][^\s@]*:[^\s:/@]+$/.test(image))
    throw new UsageError(`--image: expected a name with a tag such as registry.example/user:1.0.0, found "${image}"`)
  const partOf = given.text('part-of')
  if (partOf !== undefined && !labelValue.test(partOf))
    throw new UsageError(`--part-of: expected a label's value such as shop, found "${partOf}"`)
  const metricsPort = given.whole('metrics-port', { min: 1, max: 65_535, fallback: usualMetricsPort })
  return {
    image,
    partOf,
    replicas: replicaRange(given.text('replicas') ?? '2-6'),
    metricsPort: given.isSet('service-monitor') ? metricsPort : undefined,
  }
}

/** @see OpenTelemetry, environment variables: OTEL_EXPORTER_PROMETHEUS_PORT is 9464 unless it is given */
const usualMetricsPort = 9464

/** @see Kubernetes, Labels and Selectors: Syntax and character set */
const labelValue = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/

function replicaRange(text: string): ReplicaRange {
  const [, min, max] = /^(\d{1,4})-(\d{1,4})$/.exec(text) ?? []
  const range = { min: Number(min), max: Number(max) }
  if (range.min >= 1 && range.max >= range.min) return range
  throw new UsageError(`--replicas: expected min-max such as 2-6, found "${text}"`)
}

function overlayNames(given: ParsedArguments): readonly string[] | undefined {
  const names = given.text('overlay')?.split(',')
  const wrong = names?.find((name) => !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
  if (wrong !== undefined)
    throw new UsageError(`--overlay: expected names such as local,production, found ${JSON.stringify(wrong)}`)
  return names && [...new Set(names)]
}

async function presentOverlays(outFolder: string): Promise<readonly string[]> {
  const entries = await readdir(join(outFolder, 'overlays'), { withFileTypes: true }).catch(() => [])
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return names.length === 0 ? ['local', 'production'] : names.toSorted()
}

/** What the files of all overlays set that are there: enough to look at the service for the first time. */
async function presentSettings(
  outFolder: string,
  named: readonly string[] | undefined,
): Promise<Readonly<Record<string, string>>> {
  const folders = (named ?? (await presentOverlays(outFolder))).map((name) => join(outFolder, 'overlays', name))
  const files = folders.flatMap((folder) => [join(folder, 'config.env'), join(folder, 'secret.env.example')])
  const settings = await Promise.all(files.map(async (file) => readEnvFile((await textOf(file)) ?? '')))
  return Object.fromEntries(settings.flatMap((one) => Object.entries(one).filter(([, value]) => value !== '')))
}

/** What the files of an overlay set, or those that it is about to get. */
async function variablesOf(
  folder: string,
  bare: ServiceDescription,
  given: Readonly<Record<string, string>>,
): Promise<Pick<OverlayInput, 'config' | 'secrets'>> {
  const config = (await textOf(join(folder, 'config.env'))) ?? configText(bare, given)
  const secrets = (await textOf(join(folder, 'secret.env.example'))) ?? secretText(bare, given) ?? ''
  return { config: readEnvFile(config), secrets: readEnvFile(secrets) }
}
