import { createHash, randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { runTool, toolAbsence } from '../support/tool.ts'

/** Why tests against grpc-go are skipped; undefined when they run. */
export function goAbsence(): string | undefined {
  return toolAbsence('go', 'buf')
}

/**
 * Builds the peer of `go/` with the code that grpc-go's own generators make from a `.proto` file, and gives its path. What was
 * built once from the same sources is kept outside the repository.
 */
export async function buildGoPeer(protoText: string, signal: AbortSignal): Promise<string> {
  const sources = join(import.meta.dirname, 'go')
  const folder = join(cacheFolder(), await digestOf(sources, protoText))
  const peer = join(folder, 'bin/peer')
  if (await isThere(peer)) return peer
  const work = `${folder}-${randomUUID()}`
  await cp(sources, work, { recursive: true })
  await writeSource(join(work, 'proto', protoFile), protoText)
  await writeSource(join(work, 'buf.gen.yaml'), generation)
  const run = async (name: string, ...args: readonly string[]) => {
    const { code, output } = await runTool([name, ...args], { folder: work, signal })
    if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}: ${output}`)
  }
  await run('go', 'build', '-o', 'bin/', ...generators)
  await run('buf', 'generate', 'proto')
  await run('go', 'build', '-o', 'bin/peer', '.')
  await rm(folder, { recursive: true, force: true })
  await rename(work, folder)
  return peer
}

/** Where the package of the contract puts it. */
const protoFile = 'test/peer/v1/peer_service.proto'
/** Their versions are those of go.mod. */
const generators = ['google.golang.org/protobuf/cmd/protoc-gen-go', 'google.golang.org/grpc/cmd/protoc-gen-go-grpc']
const module = 'tenon.test/peer/gen'
const generation = JSON.stringify({
  version: 'v2',
  plugins: ['bin/protoc-gen-go', 'bin/protoc-gen-go-grpc'].map((local) => ({
    local,
    out: 'gen',
    opt: [`module=${module}`, `M${protoFile}=${module}`],
  })),
})

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tenon-test')
}

async function digestOf(folder: string, ...texts: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(folder)).toSorted()) hash.update(await readFile(join(folder, name)))
  for (const text of [...texts, generation]) hash.update(text)
  return `go-peer-${hash.digest('hex').slice(0, 16)}`
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function writeSource(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
