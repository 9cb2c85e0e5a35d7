import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** What the image of the fixture is called on the node. */
export const podImage = 'tenon-test-pod:1'

/** What is needed to make it, by the variable that names it. */
const needed = {
  KUBECONFIG: 'a Kubernetes',
  DOCKER_HOST: 'a Docker engine, which builds the image',
  TENON_INFRA: 'the scripts of the servers, of which kube.sh gives images to the node',
} as const

/**
 * Builds the image of the fixture, one file and Node, and gives it to the node.
 *
 * @throws Error that names what is missing
 */
export async function loadPodImage(): Promise<void> {
  const missing = Object.entries(needed).filter(([name]) => !process.env[name])
  if (missing.length > 0)
    throw new Error(`tests of pods need ${missing.map(([name, what]) => `${name} (${what})`).join(', ')}`)
  const folder = await mkdtemp(join(tmpdir(), 'tenon-test-'))
  await build({
    entryPoints: [join(import.meta.dirname, 'fixture/pod-program.ts')],
    outfile: join(folder, 'program.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@tenon/source'],
    // Libraries in CommonJS ask for Node's modules by require.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: 'warning',
  })
  const recipe = [
    'FROM node:24-bookworm-slim',
    'COPY program.mjs /',
    'USER 65532:65532',
    'ENTRYPOINT ["node", "/program.mjs"]',
  ]
  await writeFile(join(folder, 'Dockerfile'), `${recipe.join('\n')}\n`)
  await command('docker', ['build', '--quiet', '-t', podImage, folder])
  await command(join(process.env['TENON_INFRA'] ?? '', 'kube.sh'), ['load', podImage])
  await rm(folder, { recursive: true })
}

async function command(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)
}
