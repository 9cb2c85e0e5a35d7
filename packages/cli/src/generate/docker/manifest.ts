import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FaultError } from '../../command/command.ts'

/** What an image needs to know of a package.json. */
export interface Manifest {
  readonly name: string
  /** Names of the packages that it needs at run time, peers that are not optional among them. */
  readonly needs: readonly string[]
  /** Names of those that only its development needs. */
  readonly developsWith: readonly string[]
  readonly buildScript: string | undefined
  /** What `files` names, without what it leaves out, and of patterns the folder; undefined where it says nothing. */
  readonly files: readonly string[] | undefined
  /** What its exports, `main` and `bin` name for Node at run time. */
  readonly entries: readonly string[]
}

/** @throws FaultError that names the file */
export async function readManifest(folder: string): Promise<Manifest> {
  const json = await readJson(join(folder, 'package.json'))
  const optionalPeers = Object.entries(asRecord(json['peerDependenciesMeta']))
    .filter(([, meta]) => asRecord(meta)['optional'] === true)
    .map(([name]) => name)
  const namesOf = (field: string) => Object.keys(asRecord(json[field]))
  const peers = namesOf('peerDependencies').filter((name) => !optionalPeers.includes(name))
  const files = json['files']
  return {
    name: asText(json['name']) ?? '',
    needs: [...namesOf('dependencies'), ...namesOf('optionalDependencies'), ...peers],
    developsWith: [...namesOf('devDependencies'), ...optionalPeers],
    buildScript: asText(asRecord(json['scripts'])['build']),
    files: Array.isArray(files)
      ? files.filter((each): each is string => typeof each === 'string' && !each.startsWith('!')).map(folderOf)
      : undefined,
    entries: [
      ...new Set([...runtimeTargets(json['exports']), ...runtimeTargets(json['main']), ...binTargets(json['bin'])]),
    ]
      .map(plainPath)
      .filter((path) => path !== 'package.json'),
  }
}

/** @throws FaultError that names the file */
export async function readJson(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return asRecord(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new FaultError(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** Of what is no object, an empty one. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** @see Node.js documentation, modules: packages, conditional exports */
const runtimeConditions: ReadonlySet<string> = new Set([
  'node',
  'node-addons',
  'import',
  'require',
  'module-sync',
  'default',
])

/** Subpaths begin with a dot; every other key is a condition, of which Node has only its own. */
function runtimeTargets(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Object.entries(asRecord(value)).flatMap(([key, target]) =>
    key.startsWith('.') || runtimeConditions.has(key) ? runtimeTargets(target) : [],
  )
}

function binTargets(value: unknown): readonly string[] {
  return (typeof value === 'string' ? [value] : Object.values(asRecord(value))).filter(
    (each) => typeof each === 'string',
  )
}

/** Of `dist/**` the part before the pattern. */
function folderOf(pattern: string): string {
  const parts = plainPath(pattern).split('/')
  const end = parts.findIndex((part) => /[*?[{(]/.test(part))
  return (end === -1 ? parts : parts.slice(0, end)).join('/') || '.'
}

function plainPath(path: string): string {
  return path.replace(/^\.?\//, '').replace(/\/+$/, '')
}
