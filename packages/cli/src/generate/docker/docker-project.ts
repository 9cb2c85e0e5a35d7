import { dirname, join, relative, resolve, sep } from 'node:path'
import { FaultError } from '../../command/command.ts'
import { nearest } from '../nearest.ts'
import { type BuiltPackage, builtPackage } from './built-package.ts'
import { closure } from './closure.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { lockFolder, readLock } from './package-lock.ts'
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
  const root = lockFolder(folder)
  const { folders, archives } = await readLock(root)
  const own = toPath(relative(root, folder))
  if (own !== '' && ![...folders.values()].includes(own))
    throw new FaultError(
      `${join(root, 'package-lock.json')} knows no workspace ${own}: expected it among "workspaces" of package.json; then npm install`,
    )
  const manifests = await readManifests(root, new Set([own, ...folders.values()]))
  const manifest = manifests.get(own) ?? missing(own)
  const hasBuild = manifest.buildScript !== undefined
  const entry = runEntry({ folder, source: main ?? mainBeside(file, folder), hasBuild })
  const files = manifest.files && [...manifest.files, entry]
  manifests.set(own, { ...manifest, entries: [...manifest.entries, entry], files })
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
  const project = { root, isWorkspace: own !== '', entry, packages, installed: installed.toSorted(), archives }
  refuseOddPaths(project)
  return project
}

async function readManifests(root: string, folders: ReadonlySet<string>): Promise<Map<string, Manifest>> {
  const read = async (folder: string) => [folder, await readManifest(join(root, folder))] as const
  return new Map(await Promise.all(Array.from(folders, read)))
}

/** What the instructions of a Dockerfile would take for several. */
function refuseOddPaths({ root, entry, packages, installed, archives }: DockerProject): void {
  const ofPackages = packages.flatMap(({ contents, buildFiles }) => [...contents, ...buildFiles])
  const odd = [entry, ...installed, ...archives, ...ofPackages].find((path) => !/^[\w@./+~-]*$/.test(path))
  if (odd === undefined) return
  throw new FaultError(
    `${join(root, odd)}: a Dockerfile can name it by letters, digits and @./+~_- only, expected such a path`,
  )
}

function missing(path: string): never {
  throw new FaultError(`${path}: there is no such package`)
}

function toPath(path: string): string {
  return path.replaceAll(sep, '/')
}
