import { posix } from 'node:path'
import { markOf } from '../generated-file.ts'
import { isTakenWhole } from './built-package.ts'
import type { DockerProject } from './docker-project.ts'

/** What of the project a build is given: of a workspace the packages it needs and nothing else, and never what is secret or made anew. */
export function dockerignore(name: string, { isWorkspace, packages, installed, archives }: DockerProject): string {
  const folders = packages.map(({ folder }) => folder)
  const allowed = isWorkspace
    ? [
        '# Nothing but',
        '**',
        '!package.json',
        '!package-lock.json',
        ...ancestors(folders).map((folder) => `!${posix.join(folder, 'tsconfig*.json')}`),
        ...installed.filter((folder) => !folders.includes(folder)).map((folder) => `!${folder}/package.json`),
        ...folders.toSorted().map((folder) => `!${folder}`),
        ...new Set(packages.flatMap(({ buildFiles }) => buildFiles.map((path) => `!${path}`))),
        ...archives.map((path) => `!${path}`),
        '',
      ]
    : []
  const whole = packages
    .filter(isTakenWhole)
    .flatMap(({ folder }) => neverOfWhole.map((path) => posix.join(folder, path)))
  const outputs = packages.flatMap((each) => each.outputs).toSorted()
  const lines = [`# ${markOf('docker', name)}`, ...allowed, '# And none of these', ...never, ...whole, ...outputs]
  return `${[...lines, ...(isWorkspace ? [] : neverAtRoot)].join('\n')}\n`
}

/** The folders above, from the root down. */
function ancestors(folders: readonly string[]): readonly string[] {
  const above = (folder: string): readonly string[] => {
    const parent = posix.dirname(folder)
    return parent === '.' ? [''] : [...above(parent), parent]
  }
  return [...new Set(folders.flatMap(above))].toSorted()
}

/** Secrets, what is installed or made anew, and what no image runs. */
const never = [
  '**/node_modules',
  '**/.git',
  '**/.env',
  '**/.env.*',
  '**/*.env',
  '**/.npmrc',
  '**/.netrc',
  '**/.aws',
  '**/.kube',
  '**/.ssh',
  '**/kubeconfig',
  '**/kubeconfig.y*ml',
  '**/*.kubeconfig',
  '**/id_rsa*',
  '**/id_ecdsa*',
  '**/id_ed25519*',
  '**/*.pem',
  '**/*.key',
  '**/*.p12',
  '**/*.pfx',
  '**/*.jks',
  '**/.data',
  '**/coverage',
  '**/*.tsbuildinfo',
  '**/*.test.*',
]

/** Of a package that goes into the image as it is: what belongs to a laptop or to tests. */
const neverOfWhole = ['**/.*', '**/*.sqlite', '**/*.db', 'test', 'tests']

const neverAtRoot = ['*Dockerfile*', '.dockerignore', 'compose*.yaml', 'deploy', '*.md']
