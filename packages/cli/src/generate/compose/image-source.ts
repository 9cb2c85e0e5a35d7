import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import type { ImageSource } from './composed-service.ts'

/** What an image is found by. */
export interface ImagePlace {
  /** Of the service. */
  readonly file: string
  readonly name: string
  /** Of the compose file. */
  readonly outFolder: string
  /** Where its Dockerfile is. @defaultValue the folder of package-lock.json, as of `tenon generate docker` */
  readonly dockerFolder: string | undefined
}

/** How compose builds the image of a service, as `tenon generate docker` has it: in the folder of package-lock.json. */
export function builtImage({ file, name, outFolder, dockerFolder }: ImagePlace): ImageSource {
  const folder = nearest(dirname(resolve(file)), 'package.json') ?? dirname(resolve(file))
  const root = nearest(folder, 'package-lock.json') ?? folder
  const dockerfile = root === folder ? 'Dockerfile' : `${name}.Dockerfile`
  return {
    context: toPath(relative(outFolder, root)) || '.',
    dockerfile: toPath(relative(root, join(dockerFolder ?? root, dockerfile))),
  }
}

/** The first folder from here on upwards that has the file. */
function nearest(folder: string, name: string): string | undefined {
  if (existsSync(join(folder, name))) return folder
  return dirname(folder) === folder ? undefined : nearest(dirname(folder), name)
}

function toPath(path: string): string {
  return path.replaceAll(sep, '/')
}
