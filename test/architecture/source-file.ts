import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** One `import` or `export … from` of a file. */
export interface Import {
  readonly specifier: string
  /** Whether it leaves nothing behind when compiled. */
  readonly isTypeOnly: boolean
}

export interface SourceFile {
  /** The package's folder: `transport-http`. */
  readonly package: string
  /** From the package's `src` on: `call/dispatcher.ts`. */
  readonly path: string
  readonly imports: readonly Import[]
}

/** The folders of the packages. */
export function packageNames(): readonly string[] {
  return readdirSync(join(root, 'packages')).toSorted()
}

/** The sources of a package without its tests. */
export function sourcesOf(name: string): readonly SourceFile[] {
  const folder = join(root, 'packages', name, 'src')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/\.test(-\w+)?\.ts$/.test(path))
    .toSorted()
    .map((path) => ({
      package: name,
      path: path.split(sep).join('/'),
      imports: readImports(readFileSync(join(folder, path), 'utf8')),
    }))
}

/** The file inside the same `src` that a relative import means; undefined for a package, or outside of it. */
export function resolveInside(file: SourceFile, { specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const path = relative('/src', join('/src', dirname(file.path), specifier))
    .split(sep)
    .join('/')
  return path.startsWith('..') ? undefined : path
}

export function readText(...path: readonly string[]): string {
  return readFileSync(join(root, ...path), 'utf8')
}

export function readJson(...path: readonly string[]): unknown {
  return JSON.parse(readText(...path))
}

const comment = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm
const statement = /\b(import|export)\s+(type\s+)?([\w*{}\s,$]*?)\s*\bfrom\s*(['"])(.+?)\4/g
const sideEffect = /\bimport\s*(['"])([^$\n]+?)\1/g
const dynamic = /\bimport\(\s*(['"])(.+?)\1/g

/** What a file imports, read from its text. */
export function readImports(text: string): readonly Import[] {
  const code = text.replaceAll(comment, '')
  return [
    ...Array.from(code.matchAll(statement), ([, , typeWord, names = '', , specifier = '']) => ({
      specifier,
      isTypeOnly: typeWord !== undefined || areAllTypes(names),
    })),
    ...[...code.matchAll(sideEffect), ...code.matchAll(dynamic)].map(([, , specifier = '']) => ({
      specifier,
      isTypeOnly: false,
    })),
  ]
}

function areAllTypes(names: string): boolean {
  const listed = /^\{([^}]*)\}$/.exec(names.trim())?.[1]
  if (listed === undefined) return false
  const each = listed.split(',').flatMap((name) => name.trim() || [])
  return each.length > 0 && each.every((name) => name.startsWith('type '))
}
