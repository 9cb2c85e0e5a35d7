import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { toolAbsence } from '../support/tool.ts'

/** Why tests with images are skipped; undefined when they run. `TENON_REQUIRE_INFRA=1` makes a missing server fail instead. */
export function dockerAbsence(): string | undefined {
  if (process.env['TENON_REQUIRE_INFRA'] === '1') return undefined
  for (const name of ['DOCKER_HOST', 'TENON_REGISTRY']) if (!process.env[name]) return `${name} is not set`
  return toolAbsence('docker', 'hadolint')
}

/** Runs a command of Docker to its end. @returns What it printed on standard output. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args, { maxBuffer: 100_000_000 })
  return stdout.trim()
}

/** A service that runs in a container. */
export interface Container {
  readonly id: string
  /** `http://127.0.0.1:12345` of a port that the image exposes. */
  readonly address: (port: number) => Promise<string>
  /** What `docker inspect` tells. */
  readonly look: (format: string) => Promise<string>
}

/**
 * Starts an image as carefully as a cluster does: nobody's user, no capability, nothing writable but /tmp. It is removed when the
 * running test has ended.
 */
export async function startContainer(image: string): Promise<Container> {
  const locked = ['--read-only', '--user=65532', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--tmpfs=/tmp']
  const id = await docker('run', '--detach', ...locked, '--env=DATA_DIR=:memory:', '--publish-all', image)
  onTestFinished(async () => void (await docker('rm', '--force', id)))
  return {
    id,
    address: async (port) => {
      const places = await docker('port', id, `${port}/tcp`)
      return `http://127.0.0.1:${/:(\d+)$/m.exec(places)?.[1]}`
    },
    look: (format) => docker('inspect', '--format', format, id),
  }
}
