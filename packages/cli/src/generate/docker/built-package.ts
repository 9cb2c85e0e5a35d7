import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { FaultError } from '../../command/command.ts'
import type { Manifest } from './manifest.ts'
import { buildFolder } from './run-entry.ts'

/** A package of the project, as an image gets it. Paths are relative to the project's root. */
export interface BuiltPackage {
  /** Empty for the root itself. */
  readonly folder: string
  readonly hasBuild: boolean
  /** What its build makes and no build needs: another folder of an entry may hold sources too. */
  readonly outputs: readonly string[]
  /** What goes into the image beside its package.json. */
  readonly contents: readonly string[]
  /** Files elsewhere that its build script names. */
  readonly buildFiles: readonly string[]
}

/** @throws FaultError where Node would be given TypeScript */
export function builtPackage(root: string, folder: string, manifest: Manifest): BuiltPackage {
  const { buildScript, entries } = manifest
  const hasBuild = buildScript !== undefined
  const path = join(root, folder, 'package.json')
  const source = entries.find((entry) => /\.[cm]?tsx?$/.test(entry))
  if (source !== undefined)
    throw new FaultError(
      `${path}: Node would load ${source}; expected a script "build", and exports whose "default" is what it makes`,
    )
  const tops = [...new Set(entries.map(topOf))]
  const outputs = hasBuild ? tops.filter((top) => top === buildFolder) : []
  const contents = manifest.files ?? (hasBuild ? tops : ['.'])
  const within = (each: string) => posix.join(folder, each)
  return {
    folder,
    hasBuild,
    outputs: outputs.map(within),
    contents: contents.map(within),
    buildFiles: buildScript === undefined ? [] : namedElsewhere(root, folder, buildScript),
  }
}

/** Whether all that lies in its folder goes into the image. */
export function isTakenWhole({ folder, contents }: BuiltPackage): boolean {
  return contents.includes(folder || '.')
}

function topOf(path: string): string {
  return path.split('/')[0] ?? path
}

/** Such as `../../scripts/bundle.ts`. */
function namedElsewhere(root: string, folder: string, script: string): readonly string[] {
  return Array.from(script.matchAll(/(?:\.\.\/)+[\w@./-]+/g), ([path]) => posix.join(folder, path)).filter(
    (path) => !path.startsWith('..') && existsSync(join(root, path)),
  )
}
