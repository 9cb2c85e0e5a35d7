import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describedService } from '../child/described-service.ts'
import { textOf } from '../generate/compared-file.ts'
import { backingServers, type ServerName } from '../generate/compose/backing-server.ts'
import { composeFiles, composeMark } from '../generate/compose/compose-files.ts'
import { composeWarnings } from '../generate/compose/compose-warnings.ts'
import { type ImageSource, settingsFileOf } from '../generate/compose/composed-service.ts'
import { builtImage } from '../generate/compose/image-source.ts'
import { type ServiceSource, settledServices } from '../generate/compose/settled-services.ts'
import { writeFiles } from '../generate/write-files.ts'
import { type Command, type Surroundings, UsageError } from './command.ts'
import { generateChoices, generateOptions } from './generate-options.ts'
import type { ParsedArguments } from './parse-arguments.ts'

const serverNames = backingServers.map(({ name }) => name)

export const generateComposeCommand: Command = {
  usage: 'generate compose <service.ts>…',
  summary: 'Writes a compose.yaml for a laptop: services with the Kafka, PostgreSQL and Consul that they need.',
  options: {
    ...generateOptions,
    image: {
      type: 'string',
      value: '<image>',
      about: 'a built image, {service} in it is the name of the service; else images are built as generate docker says',
    },
    with: { type: 'string', value: '<servers>', about: `servers that no service asks for: ${serverNames.join(',')}` },
    without: { type: 'string', value: '<servers>', about: 'servers that are left out' },
  },
  notes: ['Each service has a file of settings beside it, <name>.env, which is yours.'],
  run: async (given, surroundings) => {
    const choices = generateChoices(given)
    const choice = { with: serversOf(given, 'with'), without: serversOf(given, 'without') }
    const outFolder = choices.out ?? '.'
    const sources = await sourcesOf({ given, outFolder, exportName: choices.exportName, surroundings })
    const { services, servers } = await settledServices(sources, choice)
    for (const warning of composeWarnings(services, servers)) surroundings.terminal.complain(`tenon: ${warning}`)
    return writeFiles(composeFiles(services, servers), {
      ...choices,
      outFolder,
      mark: composeMark(services),
      terminal: surroundings.terminal,
      notes: [`start it: docker compose --file ${join(outFolder, 'compose.yaml')} up --build --wait`],
    })
  },
}

function serversOf(given: ParsedArguments, option: 'with' | 'without'): readonly ServerName[] {
  const names = given.text(option)?.split(',') ?? []
  return names.map((name) => {
    const known = serverNames.find((candidate) => candidate === name)
    if (known !== undefined) return known
    throw new UsageError(`--${option}: expected ${serverNames.join(', ')}, found ${JSON.stringify(name)}`)
  })
}

interface SourceSurroundings {
  readonly given: ParsedArguments
  readonly outFolder: string
  readonly exportName: string | undefined
  readonly surroundings: Surroundings
}

/** The services as they are without any settings, and how to look at each again. */
async function sourcesOf(given: SourceSurroundings): Promise<readonly ServiceSource[]> {
  const files = given.given.positionals
  if (files.length === 0) throw new UsageError('expected one or more files of services, found none')
  const sources = await Promise.all(files.map((file) => sourceOf(file, given)))
  requireNames(sources.map(({ service }) => service.description.name))
  return sources
}

async function sourceOf(file: string, { given, outFolder, exportName, surroundings }: SourceSurroundings) {
  const describe = (environment: Readonly<Record<string, string>>) =>
    describedService({ file, exportName, environment }, surroundings)
  const description = await describe({})
  const { name } = description
  const image = imageOf(given, name) ?? (await builtImage({ file, name, outFolder }))
  const own = await textOf(join(outFolder, settingsFileOf(description)))
  return { service: { description, image, ownSettings: setOnly(parseEnv(own ?? '')) }, describe }
}

/** @throws UsageError where several services would have the same image */
function imageOf(given: ParsedArguments, name: string): ImageSource | undefined {
  const image = given.text('image')
  if (image === undefined) return undefined
  if (given.positionals.length === 1 || image.includes('{service}'))
    return { image: image.replaceAll('{service}', name) }
  throw new UsageError(
    `--image: expected {service} in it where there are several services, found ${JSON.stringify(image)}`,
  )
}

/** A variable with empty text is one that is not set. */
function setOnly(variables: NodeJS.Dict<string>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(variables).flatMap(([name, text]) => (text ? [[name, text]] : [])))
}

/** @throws UsageError */
function requireNames(names: readonly string[]): void {
  const taken = names.find(
    (name, index) => names.indexOf(name) !== index || serverNames.some((server) => server === name),
  )
  if (taken !== undefined)
    throw new UsageError(`two services of the compose file would be named ${taken}: give one another name`)
}
