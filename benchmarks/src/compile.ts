import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Compiles the programs under measurement, which run the way users run theirs: as JavaScript, against the built packages. */
export async function compilePrograms(): Promise<void> {
  await compileFolder('src/server/', 'dist/server/')
}

/** The same for programs of other frameworks, which are installed when they are first asked for, apart from the project itself. */
export async function compilePeers(): Promise<void> {
  const folder = toPath('peer/')
  if (!isInstalled(folder)) {
    const install = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: folder,
      stdio: 'inherit',
    })
    const [code] = (await once(install, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`npm ci in benchmarks/peer ended with code ${code}`)
  }
  await compileFolder('peer/src/', 'peer/dist/')
}

/** Whether what is installed is not older than what the lockfile says. */
function isInstalled(folder: string): boolean {
  const installed = `${folder}node_modules/.package-lock.json`
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${folder}package-lock.json`).mtimeMs
}

async function compileFolder(from: string, to: string): Promise<void> {
  const folder = toPath(from)
  await build({
    entryPoints: readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}${name}`),
    outdir: toPath(to),
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
  })
}

/** A path in this workspace. */
function toPath(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url))
}
