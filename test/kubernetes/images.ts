import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { requireServers } from './servers.ts'

const root = join(import.meta.dirname, '../..')

export type ServiceName = (typeof serviceNames)[number]

/** In the order in which they are deployed: the order service calls the user service. */
export const serviceNames = ['user', 'order'] as const

/** What the images of the services are called on the node. */
export const images = { user: 'tenon-test-user:1', order: 'tenon-test-order:1' } as const

/** Builds the images of the services and gives them to the node. */
export async function loadImages(): Promise<void> {
  const { infra } = requireServers()
  for (const name of serviceNames) {
    const file = `examples/user-order/deploy/docker/${name}.Dockerfile`
    await command('docker', ['build', '--quiet', '-f', file, '-t', images[name], '.'])
  }
  await command(join(infra, 'kube.sh'), ['load', ...Object.values(images)])
}

async function command(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)
}
