import { dirname, posix, relative, resolve, sep } from 'node:path'
import { dockerfileName } from '../docker/dockerfile-name.ts'
import { nearest } from '../nearest.ts'
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
  const at = toPath(relative(root, dockerFolder ?? root))
  return {
    context: toPath(relative(outFolder, root)) || '.',
    dockerfile: posix.join(at, dockerfileName({ name, isWorkspace: root !== folder, folder: at })),
  }
}

function toPath(path: string): string {
  return path.replaceAll(sep, '/')
}
