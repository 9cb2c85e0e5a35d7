import { readFileSync, rmSync } from 'node:fs'
import { build, type Plugin } from 'esbuild'

/** What is bundled into a package although it is somebody else's: see docs/decision/0008-bundled-output.md. */
const inlined: ReadonlySet<string> = new Set(['typebox/schema', 'typebox'])

/** Modules of it that hold what a service has registered or set, by their public name: a copy would not know. */
const shared: readonly (readonly [path: RegExp, name: string])[] = [
  [/\/format\/index\.mjs$/, 'typebox/format'],
  [/\/system\/settings\/index\.mjs$/, 'typebox/system'],
]

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly '@tenon/source': string }>>
}

/**
 * Bundles the package of the working directory: one file for each entry of its export map and for each source that is given, such
 * as that of a command, and what they share in chunks. Declarations come from tsc.
 */
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const exported = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry['@tenon/source']]))
const entryPoints = [...exported, ...process.argv.slice(2)]

const external: Plugin = {
  name: 'external',
  setup: ({ onResolve, onLoad }) => {
    // As an ES module it has all its exports read when it is loaded, one of which loads the whole of Node's undici.
    onResolve({ filter: /^node:http$/ }, ({ path }) => ({ path, namespace: 'builtin' }))
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }))
    // Inside an inlined package everything else is inlined.
    onResolve({ filter: /^[^./]/ }, ({ path, importer }) =>
      inlined.has(path) || importer.includes('node_modules') ? undefined : { path, external: true },
    )
    onResolve({ filter: /^\./ }, ({ path, importer }) => {
      const name = importer.includes('/typebox/') ? shared.find(([form]) => form.test(path))?.[1] : undefined
      return name === undefined ? undefined : { path: name, external: true }
    })
  },
}

// Chunks are named by content, so those of an earlier build would stay.
rmSync('dist/chunk', { recursive: true, force: true })
await build({
  entryPoints,
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  sourcemap: true,
  chunkNames: 'chunk/[hash]',
  plugins: [external],
  logLevel: 'warning',
})
