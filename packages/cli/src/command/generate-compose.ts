import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describedService } from '../child/described-service.ts'
import { textOf } from '../generate/compared-file.ts'
import { backingServers, type ServerName } from '../generate/compose/backing-server.ts'
import { composeFiles, composeMark } from '../generate/compose/compose-files.ts'
import { composeWarnings } from '../generate/compose/compose-warnings.ts'
import { type ComposedService, settingsFileOf } from '../generate/compose/composed-service.ts'
import { builtImage } from '../generate/compose/image-source.ts'
import { type ServiceSource, settledServices } from '../generate/compose/settled-services.ts'
import { firstDescription } from '../generate/first-description.ts'
import { writeFiles } from '../generate/write-files.ts'
import { type Command, type Surroundings, UsageError } from './command.ts'
import { generateChoices, generateOptions } from './generate-options.ts'
import type { ParsedArguments } from './parse-arguments.ts'

const serverNames = backingServers.map(({ name }) => name)

export const generateComposeCommand: Command = {
  usage: 'generate compose <service.ts>…',
  summary: 'Writes a compose.yaml for a laptop: services with the Kafka, PostgreSQL and Consul that they need.',
  options: {
    image: {
      type: 'string',
      value: '<image>',
      about: 'a built image, where {service} stands for the name of the service; else images are built',
    },
    dockerfiles: {
      type: 'string',
      value: '<folder>',
      about: 'where generate docker has put its files; the folder of package-lock.json unless given',
    },
    with: { type: 'string', value: '<servers>', about: `what no service asks for, of ${serverNames.join(',')}` },
    without: { type: 'string', value: '<servers>', about: 'what is left out though a service asks for it' },
    ...generateOptions,
  },
  notes: ['Each service has a file of settings beside it, <name>.env, which is yours.'],
  run: async (given, surroundings) => {
    const request = requestOf(given)
    const sources = await Promise.all(request.files.map((file) => sourceOf(file, request, surroundings)))
    requireNames(sources)
    const { services, servers } = await settledServices(sources, request.choice)
    const { terminal } = surroundings
    for (const warning of composeWarnings(services, servers)) terminal.complain(`tenon: ${warning}`)
    const { outFolder } = request
    const notes = [...missingDockerfiles(services, outFolder), startNote(outFolder)]
    const mark = composeMark(services)
    return writeFiles(composeFiles(services, servers), { ...generateChoices(given), outFolder, mark, terminal, notes })
  },
}

/** What was asked for. */
interface Request {
  readonly files: readonly string[]
  readonly exportName: string | undefined
  readonly given: Readonly<Record<string, string>>
  readonly outFolder: string
  readonly image: string | undefined
  readonly dockerFolder: string | undefined
  readonly choice: Parameters<typeof settledServices>[1]
}

/** @throws UsageError */
function requestOf(given: ParsedArguments): Request {
  const files = given.positionals
  const image = given.text('image')
  if (files.length === 0) throw new UsageError('expected one or more files of services, found none')
  if (image !== undefined && files.length > 1 && !image.includes('{service}'))
    throw new UsageError(`--image: expected {service} in it, for there are several services, found "${image}"`)
  const { out, exportName, given: settings } = generateChoices(given)
  const choice = { with: serversOf(given, 'with'), without: serversOf(given, 'without') }
  return {
    files,
    exportName,
    given: settings,
    outFolder: out ?? '.',
    image,
    dockerFolder: given.text('dockerfiles'),
    choice,
  }
}

function serversOf(given: ParsedArguments, option: 'with' | 'without'): readonly ServerName[] {
  const names = given.text(option)?.split(',') ?? []
  return names.map((name) => {
    const known = serverNames.find((candidate) => candidate === name)
    if (known !== undefined) return known
    throw new UsageError(`--${option}: expected some of ${serverNames.join(',')}, found ${JSON.stringify(name)}`)
  })
}

/** The service as it is with the fewest settings, and how to look at it again. */
async function sourceOf(file: string, request: Request, surroundings: Surroundings): Promise<ServiceSource> {
  const { exportName, given, image, outFolder, dockerFolder } = request
  const describe = (environment: Readonly<Record<string, string>>) =>
    describedService({ file, exportName, environment: { ...given, ...environment } }, surroundings)
  const ownSettingsOf = async (name: string) =>
    settingsIn((await textOf(join(outFolder, settingsFileOf({ name })))) ?? '')
  const description = await firstDescription({ describe, given, settingsOf: ownSettingsOf })
  const { name } = description
  const service = {
    description,
    ownSettings: await ownSettingsOf(name),
    image:
      image === undefined
        ? builtImage({ file, name, outFolder, dockerFolder })
        : { image: image.replaceAll('{service}', name) },
  }
  return { service, describe }
}

/** A variable with empty text is one that is not set. */
function settingsIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(parseEnv(text)).flatMap(([name, value]) => (value ? [[name, value]] : [])))
}

/** @throws UsageError */
function requireNames(sources: readonly ServiceSource[]): void {
  const names = sources.map(({ service }) => service.description.name)
  const taken = names.find(
    (name, index) => names.indexOf(name) !== index || serverNames.some((server) => server === name),
  )
  if (taken === undefined) return
  throw new UsageError(`two services of the compose file would be named ${taken}: expected a name for each`)
}

function missingDockerfiles(services: readonly ComposedService[], outFolder: string): readonly string[] {
  return services.flatMap(({ image }) => {
    if ('image' in image) return []
    const path = join(outFolder, image.context, image.dockerfile)
    return existsSync(path) ? [] : [`there is no ${path} yet: tenon generate docker writes it`]
  })
}

function startNote(outFolder: string): string {
  return `start it: docker compose -f ${join(outFolder, 'compose.yaml')} up --build --wait`
}
