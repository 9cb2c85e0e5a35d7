import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from './command.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixture = fileURLToPath(new URL('fixture/hello', import.meta.url))

const packages = [
  'core',
  'transport-http',
  'transport-grpc',
  'transport-queue',
  'testing',
  'cli',
  'terminus',
  'registry-consul',
  'registry-etcd',
  'observability',
  'kysely',
  'auth',
  'registry-kubernetes',
]
const tools = ['typescript', 'tsx', '@types/node', 'vite', 'vitest']

/** A folder outside of the repository where the packed packages are installed beside the hello service. */
export interface FreshFolder extends AsyncDisposable {
  readonly path: string
  /** The names of all packed files, by package. */
  readonly packed: ReadonlyMap<string, readonly string[]>
}

/** Builds and packs the packages, and installs them where nothing of the repository can be found by accident. */
export async function freshFolder(): Promise<FreshFolder> {
  await command(root, ['npm', 'run', 'build'])
  const home = await mkdtemp(join(tmpdir(), 'tenon-hello-'))
  const path = join(home, 'hello')
  const archives = join(home, 'archive')
  await mkdir(archives)
  await cp(fixture, path, { recursive: true })
  const packed = await pack(archives)
  await writeFile(join(path, 'package.json'), JSON.stringify(await manifest(archives), null, 2))
  await command(path, ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline'])
  return { path, packed, [Symbol.asyncDispose]: () => rm(home, { recursive: true }) }
}

interface PackReport {
  readonly name: string
  readonly files: readonly { readonly path: string }[]
}

async function pack(archives: string): Promise<FreshFolder['packed']> {
  const packed = new Map<string, readonly string[]>()
  for (const folder of packages) {
    const printed = await command(join(root, 'packages', folder), [
      'npm',
      'pack',
      '--json',
      '--pack-destination',
      archives,
    ])
    const [report] = Object.values(JSON.parse(printed.slice(printed.search(/^[[{]/m))) as Record<string, PackReport>)
    packed.set(
      folder,
      (report?.files ?? []).map((file) => file.path),
    )
  }
  return packed
}

interface Manifest {
  readonly name: string
  readonly devDependencies: Readonly<Record<string, string>>
}

/** The package.json of a service repo: the packed packages, and the tools in the versions this repository uses. */
async function manifest(archives: string): Promise<object> {
  const versions = {
    ...(await readManifest(join(root, 'package.json'))).devDependencies,
    ...(await readManifest(join(root, 'test/package.json'))).devDependencies,
  }
  const pick = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, versions[name]]))
  const files = await readdir(archives)
  const archived = files.map((file) => [`@tenon/${/^tenon-(.+)-\d/.exec(file)?.[1]}`, `file:${join(archives, file)}`])
  return {
    name: 'hello',
    private: true,
    type: 'module',
    dependencies: { ...Object.fromEntries(archived), ...pick(['typebox', '@godaddy/terminus']) },
    devDependencies: pick(tools),
  }
}

async function readManifest(file: string): Promise<Manifest> {
  return JSON.parse(await readFile(file, 'utf8')) as Manifest
}
