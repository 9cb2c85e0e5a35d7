import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const programs = new URL('server/', import.meta.url)

/** Compiles the programs under measurement, which run the way users run theirs: as JavaScript, against the built packages. */
export async function compilePrograms(): Promise<void> {
  await build({
    entryPoints: readdirSync(programs)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => fileURLToPath(new URL(name, programs))),
    outdir: fileURLToPath(new URL('../dist/server/', import.meta.url)),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
  })
}
