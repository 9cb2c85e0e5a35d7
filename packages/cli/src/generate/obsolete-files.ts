import { readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { textOf } from './compared-file.ts'
import type { GeneratedFile } from './generated-file.ts'

/** Where earlier runs may have left something. */
export interface EarlierPlace {
  readonly outFolder: string
  /** By which the files of earlier runs are known: `markOf()`. */
  readonly mark: string
  /** A folder below the output folder that holds nothing but what is generated: it is looked through as a whole. */
  readonly ownFolder?: string | undefined
}

/** Paths of the files that an earlier run has generated and this one does not, below the output folder. */
export async function obsoleteFiles(files: readonly GeneratedFile[], place: EarlierPlace): Promise<readonly string[]> {
  const generated = new Set(files.map(({ path }) => path))
  const folders = new Set(files.map(({ path }) => posix.dirname(path)))
  const found = await Promise.all([
    ...Array.from(folders, (folder) => filesIn(folder, place.outFolder, false)),
    ...(place.ownFolder === undefined ? [] : [filesIn(place.ownFolder, place.outFolder, true)]),
  ])
  const others = [...new Set(found.flat())].filter((path) => !generated.has(path)).toSorted()
  const isEarlier = await Promise.all(
    others.map(async (path) => hasMark(await textOf(join(place.outFolder, path)), place.mark)),
  )
  return others.filter((_path, index) => isEarlier[index])
}

/** None where there is no such folder. */
async function filesIn(folder: string, outFolder: string, recursive: boolean): Promise<readonly string[]> {
  try {
    const entries = await readdir(join(outFolder, folder), { withFileTypes: true, recursive })
    const root = join(outFolder, folder)
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => posix.join(folder, entry.parentPath.slice(root.length).replaceAll('\\', '/'), entry.name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function hasMark(text: string | undefined, mark: string): boolean {
  return text?.split('\n', 3).some((line) => line.includes(mark)) ?? false
}
