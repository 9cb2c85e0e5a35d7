import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { ImageSource } from './composed-service.ts'

/** What an image is found by. */
export interface ImagePlace {
  /** Of the service. */
  readonly file: string
  readonly name: string
  /** Of the compose file, and of what `tenon generate docker` wrote. */
  readonly outFolder: string
}

/** How compose builds the image of a service: from the root of its workspace, else from the folder of its package. */
export async function builtImage({ file, name, outFolder }: ImagePlace): Promise<ImageSource> {
  const folders = await packageFolders(dirname(resolve(file)))
  const root = folders.find(({ isWorkspace }) => isWorkspace) ?? folders[0]
  const context = root?.folder ?? dirname(resolve(file))
  const dockerfile = root?.isWorkspace ? `${name}.Dockerfile` : 'Dockerfile'
  return {
    context: toPath(relative(outFolder, context)) || '.',
    dockerfile: toPath(relative(context, join(outFolder, dockerfile))),
  }
}

interface PackageFolder {
  readonly folder: string
  readonly isWorkspace: boolean
}

/** Folders with a package.json, innermost first. */
async function packageFolders(folder: string): Promise<readonly PackageFolder[]> {
  const above = dirname(folder) === folder ? [] : await packageFolders(dirname(folder))
  const found = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined)
  return found === undefined ? above : [{ folder, isWorkspace: 'workspaces' in JSON.parse(found) }, ...above]
}

function toPath(path: string): string {
  return path.replaceAll('\\', '/')
}
