import { join, posix } from 'node:path'
import { FaultError } from '../../command/command.ts'
import { nearest } from '../nearest.ts'
import { asRecord, readJson } from './manifest.ts'

/** What package-lock.json tells of the project. */
export interface Lock {
  /** Of the packages of the workspace, by their names. */
  readonly folders: ReadonlyMap<string, string>
  readonly archives: readonly string[]
}

const otherLocks: Readonly<Record<string, string>> = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'Yarn',
  'bun.lock': 'Bun',
}

/** The folder of package-lock.json. @throws FaultError where there is none, or one of another package manager */
export function lockFolder(folder: string): string {
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

/** @throws FaultError that names the file */
export async function readLock(root: string): Promise<Lock> {
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
