import { existsSync } from 'node:fs'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { FaultError } from '../../command/command.ts'
import { type BuiltPackage, builtPackage } from './built-package.ts'
import { closure } from './closure.ts'
import { asRecord, type Manifest, readJson, readManifest } from './manifest.ts'
import { mainBeside, runEntry } from './run-entry.ts'

/** The packages around a service, as an image is built of them. Paths are relative to `root`, with `/`. */
export interface DockerProject {
  /** Where package-lock.json is: the folder the image is built from. */
  readonly root: string
  readonly isWorkspace: boolean
  /** Those that the service needs at run time, each behind what it needs; its own is the last. */
  readonly packages: readonly BuiltPackage[]
  /** The file that Node runs, in the folder of its package. */
  readonly entry: string
  /** Folders of all packages whose package.json the build needs, those for development too. */
  readonly installed: readonly string[]
  /** Packages that are files of the project, such as `vendor/greeting-1.0.0.tgz`. */
  readonly archives: readonly string[]
}

/** Which service, and what runs it. */
export interface DockerPlace {
  /** The file that exports the service. */
  readonly file: string
  /** The file that runs it, in the folder of its package; of TypeScript, the source. @defaultValue `main` beside the service */
  readonly entry?: string | undefined
}

/**
 * Finds the packages that a service needs.
 *
 * @throws FaultError that names the file where something is missing, and says what was expected
 */
export async function dockerProject({ file, entry: main }: DockerPlace): Promise<DockerProject> {
  const folder = nearest(dirname(resolve(file)), 'package.json')
  if (folder === undefined) throw new FaultError(`${file}: expected a package.json in its folder or above`)
  const root = findRoot(folder)
  const { folders, archives } = await readLock(root)
  const own = toPath(relative(root, folder))
  if (own !== '' && ![...folders.values()].includes(own))
    throw new FaultError(
      `${join(root, 'package-lock.json')} knows no workspace ${own}: expected it among "workspaces" of package.json; then npm install`,
    )
  const manifests = new Map<string, Manifest>()
  for (const path of new Set([own, ...folders.values()])) manifests.set(path, await readManifest(join(root, path)))
  const manifest = manifests.get(own) ?? missing(own)
  const entry = runEntry({
    folder,
    source: main ?? mainBeside(file, folder),
    hasBuild: manifest.buildScript !== undefined,
  })
  manifests.set(own, {
    ...manifest,
    entries: [...manifest.entries, entry],
    files: manifest.files && [...manifest.files, entry],
  })
  const followed = (pick: (manifest: Manifest) => readonly string[]) => (path: string) =>
    pick(manifests.get(path) ?? missing(path)).flatMap((name) => folders.get(name) ?? [])
  const needed = closure(
    [own],
    followed(({ needs }) => needs),
  )
  const installed = closure(
    needed,
    followed(({ needs, developsWith }) => [...needs, ...developsWith]),
  )
  const packages = needed.map((path) => builtPackage(root, path, manifests.get(path) ?? missing(path)))
  return { root, isWorkspace: own !== '', entry, packages, installed: installed.toSorted(), archives }
}

function missing(path: string): never {
  throw new FaultError(`${path}: there is no such package`)
}

/** The first folder from here on upwards that has the file. */
function nearest(from: string, name: string): string | undefined {
  if (existsSync(join(from, name))) return from
  const parent = dirname(from)
  return parent === from ? undefined : nearest(parent, name)
}

const otherLocks: Readonly<Record<string, string>> = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'Yarn',
  'bun.lock': 'Bun',
}

function findRoot(folder: string): string {
  const root = nearest(folder, 'package-lock.json')
  if (root !== undefined) return root
  for (const [name, manager] of Object.entries(otherLocks)) {
    const found = nearest(folder, name)
    if (found !== undefined)
      throw new FaultError(
        `${join(found, name)} is of ${manager}: images are built with npm, expected a package-lock.json beside it`,
      )
  }
  throw new FaultError(
    `${join(folder, 'package.json')}: expected a package-lock.json beside it or above; npm install writes it`,
  )
}

interface Lock {
  /** Of the packages of the workspace, by their names. */
  readonly folders: ReadonlyMap<string, string>
  readonly archives: readonly string[]
}

async function readLock(root: string): Promise<Lock> {
  const path = join(root, 'package-lock.json')
  const lock = await readJson(path)
  const version = lock['lockfileVersion']
  if (version !== 2 && version !== 3)
    throw new FaultError(
      `${path}: expected lockfileVersion 2 or 3, found ${JSON.stringify(version)}; npm install writes it anew`,
    )
  const entries = Object.entries(asRecord(lock['packages'])).flatMap(([place, entry]) => {
    const { link, resolved } = asRecord(entry)
    return typeof resolved === 'string'
      ? [{ name: place.replace(/^.*node_modules\//, ''), isLink: link === true, resolved }]
      : []
  })
  const folders = entries.filter(({ isLink }) => isLink).map(({ name, resolved }) => [name, resolved] as const)
  const archives = entries
    .filter(({ resolved }) => resolved.startsWith('file:'))
    .map(({ resolved }) => posix.normalize(resolved.slice('file:'.length)))
  const outside = [...folders.map(([, folder]) => folder), ...archives].find((each) => /^(?:\.\.)?\//.test(each))
  if (outside !== undefined)
    throw new FaultError(`${path} names ${outside}, which no image built here can hold; expected it below ${root}`)
  return { folders: new Map(folders), archives: [...new Set(archives)] }
}

function toPath(path: string): string {
  return path.replaceAll(sep, '/')
}
