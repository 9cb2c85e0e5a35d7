import { posix } from 'node:path'
import type { ServiceDescription } from '@tenon/core'
import { markOf } from '../generated-file.ts'
import { userId } from '../pod-facts.ts'
import { healthCheck } from './health-check.ts'
import { buildImage, type ImageBase } from './image-base.ts'
import type { DockerProject } from './docker-project.ts'

/** What a Dockerfile is made of. */
export interface DockerfileParts {
  readonly service: ServiceDescription
  readonly project: DockerProject
  readonly base: ImageBase
  /** Where the code is, for a label. */
  readonly source?: string | undefined
  /** The lines that say how it is built. */
  readonly howToBuild: readonly string[]
}

/** The Dockerfile of a service: what is installed, what is built, and what runs of both. */
export function dockerfile(parts: DockerfileParts): string {
  const stages = [heading(parts), dependencyStage(parts.project), buildStage(parts.project), runStage(parts)]
  return `${stages.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function heading({ service, base, howToBuild }: DockerfileParts): readonly string[] {
  const isOne = base.image === buildImage
  return [
    `# ${markOf('docker', service.name)}`,
    ...howToBuild.map((line) => `# ${line}`),
    '',
    '# A build argument pins them by digest: --build-arg BUILD_IMAGE=…@sha256:…',
    `ARG BUILD_IMAGE=${buildImage}`,
    `ARG RUN_IMAGE=${isOne ? '${BUILD_IMAGE}' : base.image}`,
  ]
}

function dependencyStage({ isWorkspace, packages, archives }: DockerProject): readonly string[] {
  const folders = packages.map(({ folder }) => folder)
  return [
    '# What runs of other packages, in a layer that only package.json and package-lock.json change.',
    'FROM ${BUILD_IMAGE} AS dependencies',
    quietNpm,
    'WORKDIR /image/app',
    ...copiedManifests(folders.toSorted(), archives),
    run(
      [
        withoutOwnScripts,
        `npm ci --omit=dev${isWorkspace ? ` --workspace=${folders.at(-1)}` : ''}`,
        ['rm package-lock.json', ...archives].join(' '),
        ...settled,
      ],
      npmMounts,
    ),
  ]
}

function buildStage(project: DockerProject): readonly string[] {
  const { packages, isWorkspace } = project
  const built = packages.filter(({ hasBuild }) => hasBuild)
  const contents = new Set(packages.flatMap((each) => each.contents))
  return [
    '# What is made of the sources.',
    'FROM ${BUILD_IMAGE} AS build',
    quietNpm,
    'WORKDIR /app',
    ...(built.length > 0 ? installation(project) : []),
    'COPY . .',
    run([
      ...built.map(({ folder }) => `npm run build${isWorkspace ? ` --workspace=${folder}` : ''}`),
      'mkdir -p /image/app',
      `test -f ${mainOf(project)}`,
      ['cp --archive --parents', ...contents, '/image/app'].join(wrapped),
      ...(packages.some(({ hasBuild }) => !hasBuild) ? withoutInstalled(project) : []),
      ...settled,
    ]),
  ]
}

/** Of a package that is taken as it is, what was installed or is to be is in its folder too. */
function withoutInstalled({ archives }: DockerProject): readonly string[] {
  return [
    'find /image -type d -name node_modules -prune -exec rm -rf {} +',
    `rm -f ${['package-lock.json', ...archives].map((path) => `/image/app/${path}`).join(' ')}`,
  ]
}

/** With all that packages are developed with. */
function installation({ isWorkspace, packages, installed, archives }: DockerProject): readonly string[] {
  const workspaces = packages.map(({ folder }) => `--workspace=${folder}`)
  return [
    ...copiedManifests(installed, archives),
    run(
      [
        withoutOwnScripts,
        ['npm ci', ...(isWorkspace ? ['--include-workspace-root', ...workspaces] : [])].join(wrapped),
      ],
      npmMounts,
    ),
  ]
}

/** The file that Node runs. */
function mainOf({ packages, entry }: DockerProject): string {
  return posix.join(packages.at(-1)?.folder ?? '', entry)
}

function runStage({ service, project, base, source }: DockerfileParts): readonly string[] {
  const ports = portsOf(service)
  return [
    '# What runs.',
    'FROM ${RUN_IMAGE}',
    'COPY --from=dependencies /image/ /',
    'COPY --from=build /image/ /',
    'WORKDIR /app',
    'ENV NODE_ENV=production TENON_HOST=0.0.0.0',
    `USER ${userId}:${userId}`,
    ...(ports.length > 0 ? [`EXPOSE ${ports.join(' ')}`] : []),
    'STOPSIGNAL SIGTERM',
    ...healthCheck(base.node, service),
    `ENTRYPOINT ${JSON.stringify([base.node, mainOf(project)])}`,
    'ARG REVISION=""',
    'ARG CREATED=""',
    `LABEL ${[
      `org.opencontainers.image.title=${JSON.stringify(service.name)}`,
      `org.opencontainers.image.version=${JSON.stringify(service.version)}`,
      'org.opencontainers.image.revision="${REVISION}"',
      'org.opencontainers.image.created="${CREATED}"',
      ...(source === undefined ? [] : [`org.opencontainers.image.source=${JSON.stringify(source)}`]),
    ].join(' \\\n      ')}`,
  ]
}

/** Each change of a package.json installs anew, and no other change does. */
function copiedManifests(folders: readonly string[], archives: readonly string[]): readonly string[] {
  return [
    ...archives.map((path) => `COPY ${path} ${posix.dirname(path)}/`),
    'COPY package.json package-lock.json ./',
    ...folders.filter((folder) => folder !== '').map((folder) => `COPY ${folder}/package.json ${folder}/`),
  ]
}

/**
 * What the packages of the project would run at an installation needs sources, or tools of development; scripts of others run.
 *
 * @see npm documentation, scripts: life cycle of npm ci
 */
const withoutOwnScripts = [
  'find . -name package.json -execdir npm pkg delete',
  ...['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'].map(
    (script) => `scripts.${script}`,
  ),
  '\\;',
].join(' ')

const quietNpm = 'ENV NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false NPM_CONFIG_UPDATE_NOTIFIER=false'

/** Between arguments of a command that may have many. */
const wrapped = ' \\\n      '

/** A registry of one's own is named by a secret: `docker build --secret id=npmrc,src=.npmrc`. */
const npmMounts = ['type=cache,target=/root/.npm', 'type=secret,id=npmrc,target=/root/.npmrc'] as const

/** The same files give the same layer, whoever builds them when; and what Node never reads stays out. */
const settled = [
  "find /image -type f \\( -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' -o -name '*.tsbuildinfo' \\) -delete",
  'find /image -mindepth 1 -type d -empty -delete',
  'chmod -R u=rwX,go=rX /image',
  'find /image -exec touch --no-dereference --date=@0 {} +',
]

function run(commands: readonly string[], mounts: readonly string[] = []): string {
  const lines = commands.join(' \\\n && ')
  return mounts.length === 0
    ? `RUN ${lines}`
    : `RUN ${mounts.map((mount) => `--mount=${mount}`).join(' ')} \\\n    ${lines}`
}

function portsOf({ transports, admin }: ServiceDescription): readonly number[] {
  const ports = [...transports.flatMap(({ listensAt = [] }) => listensAt.map(({ port }) => port)), admin?.port ?? 0]
  return [...new Set(ports)].filter((port) => port !== 0)
}
