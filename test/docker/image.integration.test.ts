import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { tenon } from '../cli/tenon.ts'
import { runTool } from '../support/tool.ts'
import { docker, dockerAbsence, startContainer } from './docker.ts'

const absence = dockerAbsence()
const registry = process.env['TENON_REGISTRY'] ?? ''
/** A build takes a minute or two where nothing of it is kept. */
const buildTimeoutMs = 400_000

const images = [
  { service: 'user', base: 'bookworm-slim', maxBytes: 260_000_000, httpPort: 3001, adminPort: 9001 },
  { service: 'user', base: 'distroless', maxBytes: 200_000_000, httpPort: 3001, adminPort: 9001 },
  { service: 'order', base: 'bookworm-slim', maxBytes: 260_000_000, httpPort: 3002, adminPort: 9002 },
  { service: 'order', base: 'distroless', maxBytes: 200_000_000, httpPort: 3002, adminPort: 9002 },
] as const

type Image = Pick<(typeof images)[number], 'service' | 'base'>

const nameOf = ({ service, base }: Image) => `tenon-test-${service}:${base}`

let out: string
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'tenon-images-'))
})
afterAll(() => rm(out, { recursive: true }))

/** The Dockerfile of a service, generated anew where it is built. */
const dockerfileOf = ({ service, base }: Image) => join(out, base, `${service}.Dockerfile`)

async function generate({ service, base }: Image): Promise<void> {
  const source = `examples/user-order/${service}/src/service.ts`
  const folder = join(out, base)
  const { exitCode, printed } = await tenon('generate', 'docker', source, '--base', base, '--out', folder)
  expect(exitCode, printed).toBe(0)
}

async function build(image: Image, name: string, ...options: readonly string[]): Promise<void> {
  const folder = join(import.meta.dirname, '../..')
  const { code, output } = await runTool(
    ['docker', 'build', '--file', dockerfileOf(image), '--tag', name, '--build-arg', 'REVISION=abc', ...options, '.'],
    { folder, signal: AbortSignal.timeout(buildTimeoutMs) },
  )
  expect(code, output).toBe(0)
}

describe.skipIf(absence)(`the images of the example services${absence ? ` (skipped: ${absence})` : ''}`, () => {
  afterAll(async () => void (await docker('image', 'rm', '--force', ...images.map(nameOf))))

  test.for(images)('$service builds on $base, within its size', { timeout: buildTimeoutMs }, async (image) => {
    await generate(image)
    await build(image, nameOf(image))
    const { exitCode, printed } = await tenon('generate', 'docker', '--report', nameOf(image), '--json')
    expect(exitCode, printed).toBe(0)
    const { sizeBytes, user, layers } = JSON.parse(printed)
    expect(user).toBe('65532:65532')
    expect(sizeBytes).toBeLessThanOrEqual(image.maxBytes)
    // Node is of the base; all that is added is what others have made and what the service is made of.
    const added = layers.filter(
      ({ size, by }: { size: string; by: string }) => size !== '0B' && by.startsWith('COPY /image/'),
    )
    expect(added).toHaveLength(2)
  })

  test.each(images)('hadolint finds nothing in the Dockerfile of $service on $base', async (image) => {
    const signal = AbortSignal.timeout(50_000)
    const { code, output } = await runTool(['hadolint', dockerfileOf(image)], { folder: '.', signal })
    expect(code, output).toBe(0)
  })

  test.each(images)('$service on $base runs locked in, serves, is healthy, and ends with 0', async (image) => {
    const container = await startContainer(nameOf(image))
    const [http, admin] = [await container.address(image.httpPort), await container.address(image.adminPort)]
    await eventually(async () => expect((await fetch(`${admin}/readyz`)).status).toBe(200), { timeoutMs: 30_000 })
    if (image.service === 'user') expect(await createdUser(http)).toMatchObject({ name: 'Ada' })
    else expect((await fetch(`${http}/v1/orders/${crypto.randomUUID()}`)).status).toBe(404)
    await eventually(async () => expect(await container.look('{{.State.Health.Status}}')).toBe('healthy'), {
      timeoutMs: 30_000,
    })
    await docker('stop', container.id)
    expect(await container.look('{{.State.ExitCode}}')).toBe('0')
    expect(await docker('logs', container.id)).toContain(`${image.service} has stopped`)
  })

  test('holds nothing that only builds need, and nothing that its user could write', async () => {
    const list = `
      const { accessSync, constants, readdirSync } = require('node:fs')
      const paths = readdirSync('/app', { recursive: true, withFileTypes: true })
        .map(({ parentPath, name }) => parentPath + '/' + name)
      const isWritable = (path) => { try { accessSync(path, constants.W_OK); return true } catch { return false } }
      console.log(JSON.stringify({ paths, writable: paths.filter(isWritable) }))`
    const printed = await docker('run', '--rm', '--entrypoint=node', nameOf(images[0]), '-e', list)
    const { paths, writable } = JSON.parse(printed) as Record<'paths' | 'writable', readonly string[]>
    expect(paths).toContain('/app/examples/user-order/user/dist/main.js')
    expect(paths).toContain('/app/examples/user-order/contracts/dist/user.proto')
    expect(paths).toContain('/app/node_modules/fastify/package.json')
    expect(writable).toEqual([])
    const needless =
      /\.[cm]?ts$|\.map$|\.tsbuildinfo$|^(?!.*node_modules).*\.test\.|\/\.env|\/node_modules\/(?:typescript|vitest|esbuild|@tenon\/testing|@tenon\/cli)$/
    expect(paths.filter((path) => needless.test(path))).toEqual([])
    expect(paths.filter((path) => /\/app\/(?:packages\/cli|examples\/user-order\/order)\b/.test(path))).toEqual([])
  })

  test('tells what it is made of by labels', async () => {
    const labels = JSON.parse(
      await docker('image', 'inspect', '--format', '{{json .Config.Labels}}', nameOf(images[0])),
    )
    expect(labels).toMatchObject({
      'org.opencontainers.image.title': 'user',
      'org.opencontainers.image.version': '0.1.0',
      'org.opencontainers.image.revision': 'abc',
    })
  })

  test('goes to a registry and comes back as it was', async () => {
    const [local, remote] = [nameOf(images[1]), `${registry}/${nameOf(images[1])}`]
    const idOf = (name: string) => docker('image', 'inspect', '--format', '{{.Id}}', name)
    await docker('tag', local, remote)
    await docker('push', remote)
    await docker('image', 'rm', remote)
    await expect(idOf(remote)).rejects.toThrow()
    await docker('pull', remote)
    expect(await idOf(remote)).toBe(await idOf(local))
    await docker('image', 'rm', remote)
  })

  test.runIf(process.env['TENON_IMAGES'] === 'all')(
    'has the same layers whenever it is built',
    { timeout: 2 * buildTimeoutMs },
    async () => {
      const layersOf = (name: string) => docker('image', 'inspect', '--format', '{{json .RootFS.Layers}}', name)
      const again = 'tenon-test-user:again'
      onTestFinished(async () => void (await docker('image', 'rm', '--force', again)))
      await build(images[0], again, '--no-cache', '--build-arg', 'CREATED=2026-01-01T00:00:00Z')
      expect(await layersOf(again)).toBe(await layersOf(nameOf(images[0])))
    },
  )
})

async function createdUser(http: string): Promise<unknown> {
  const response = await fetch(`${http}/v1/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Ada', email: 'ada@example.com' }),
  })
  expect(response.status).toBe(201)
  return response.json()
}
