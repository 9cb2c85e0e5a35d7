import { relative, resolve, sep } from 'node:path'
import { describedService } from '../child/described-service.ts'
import { dockerFiles } from '../generate/docker/docker-files.ts'
import { dockerProject } from '../generate/docker/docker-project.ts'
import { imageBases } from '../generate/docker/image-base.ts'
import { imageReport, imageReportText } from '../generate/docker/image-report.ts'
import { firstDescription } from '../generate/first-description.ts'
import { markOf } from '../generate/generated-file.ts'
import { writeFiles } from '../generate/write-files.ts'
import { type Command, type ExitCode, type Surroundings, UsageError } from './command.ts'
import { generateChoices, generateOptions } from './generate-options.ts'
import type { ParsedArguments } from './parse-arguments.ts'

export const generateDockerCommand: Command = {
  usage: 'generate docker <service.ts>',
  summary:
    'Writes Dockerfile and .dockerignore of a service: production dependencies, no root, no shell, node as PID 1.',
  options: {
    base: { type: 'string', value: '<name>', about: 'bookworm-slim, or distroless; bookworm-slim unless given' },
    entry: {
      type: 'string',
      value: '<file>',
      about: 'what runs the service, in its package; main.ts beside it unless given',
    },
    source: { type: 'string', value: '<url>', about: 'where the code is, for a label of the image' },
    report: { type: 'string', value: '<image>', about: 'writes nothing: shows size and layers of a built image' },
    ...generateOptions,
  },
  notes: ['The files go into the folder of package-lock.json, where the image is built. Needs npm.'],
  run: async (given, surroundings) => {
    const image = given.text('report')
    return image === undefined ? generate(given, surroundings) : report(image, given, surroundings)
  },
}

async function generate(given: ParsedArguments, surroundings: Surroundings): Promise<ExitCode> {
  const file = given.only('file of a service')
  const { out, exportName, given: settings, ...choices } = generateChoices(given)
  const baseName = given.text('base') ?? 'bookworm-slim'
  const base = Object.hasOwn(imageBases, baseName) ? imageBases[baseName] : undefined
  if (base === undefined)
    throw new UsageError(`--base: expected ${Object.keys(imageBases).join(' or ')}, found ${JSON.stringify(baseName)}`)
  const service = await firstDescription({
    describe: (environment) => describedService({ file, exportName, environment }, surroundings),
    given: settings,
  })
  const project = await dockerProject({ file, entry: given.text('entry') })
  const outFolder = resolve(out ?? project.root)
  const folder = relative(project.root, outFolder).replaceAll(sep, '/')
  const source = given.text('source')
  const { files, image, buildCommand, notes: told } = dockerFiles({ service, project, base, source, folder })
  const notes = [...told, `in ${project.root}:`, `  ${buildCommand}`, `  tenon generate docker --report ${image}`]
  const { terminal } = surroundings
  return writeFiles(files, { outFolder, mark: markOf('docker', service.name), notes, terminal, ...choices })
}

async function report(image: string, given: ParsedArguments, { terminal }: Surroundings): Promise<ExitCode> {
  if (given.positionals.length > 0)
    throw new UsageError('--report tells of an image, so no file of a service goes with it')
  const found = await imageReport(image)
  terminal.print(given.isSet('json') ? JSON.stringify(found) : imageReportText(found))
  return 0
}
