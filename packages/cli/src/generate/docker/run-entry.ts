import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { FaultError } from '../../command/command.ts'

/** What is to run, and the package it is of. */
export interface EntryPlace {
  /** The folder of the package. */
  readonly folder: string
  /** In that folder: a source, or what a build makes. */
  readonly source: string
  readonly hasBuild: boolean
}

/** What a build makes of `src`. */
export const buildFolder = 'dist'

/**
 * The file that Node runs: what the build makes of a source, which is `dist/main.js` of `src/main.ts`, else the file itself.
 *
 * @throws FaultError where that could not be run
 */
export function runEntry({ folder, source, hasBuild }: EntryPlace): string {
  const [, path = source, kind = ''] = /^(.*)\.([cm]?)tsx?$/.exec(source) ?? []
  const isTypeScript = path !== source
  if ((isTypeScript || !hasBuild) && !existsSync(join(folder, source)))
    throw new FaultError(
      `${join(folder, source)} is not there: expected the file that runs the service; --entry names another`,
    )
  if (!isTypeScript) return source
  if (!hasBuild)
    throw new FaultError(
      `${join(folder, 'package.json')}: expected a script "build", for ${source} is TypeScript; such as "build": "tsc"`,
    )
  return `${path.replace(/^src\//, `${buildFolder}/`)}.${kind}js`
}

/** The file `main` beside that of a service, in the folder of its package. */
export function mainBeside(file: string, folder: string): string {
  const [, extension = 'js'] = /\.(\w+)$/.exec(file) ?? []
  return relative(folder, join(dirname(resolve(file)), `main.${extension}`)).replaceAll(sep, '/')
}
