import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { recordedTerminal } from '../terminal.test-harness.ts'
import { runCommand } from './run-command.ts'

const core = new URL('../../../core/src/index.ts', import.meta.url).href

/** A worker whose admin port is a setting. */
const source = `
import { defineService, port } from '${core}'
export const service = defineService({
  name: 'worker',
  version: '1.0.0',
  handlers: [],
  config: { port: port('WORKER_PORT', 9000) },
  admin: ({ port }) => ({ port }),
})
`

const manifest = `
kind: Deployment
metadata: { name: worker }
spec:
  template:
    metadata: { labels: { app: worker } }
    spec:
      securityContext: { runAsNonRoot: true }
      containers:
        - name: worker
          image: shop/worker:1.0.0
          env: [{ name: TENON_HOST, value: 0.0.0.0 }]
          readinessProbe: { httpGet: { path: /readyz, port: 9000 } }
          resources: { requests: { cpu: 50m }, limits: { memory: 256Mi } }
          securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
`

let folder: string
const at = (name: string) => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-doctor-'))
  await writeFile(at('service.mjs'), source)
  await writeFile(
    at('right.yaml'),
    manifest.replaceAll('port: 9000', 'port: 9100').replace('env: [', 'env: [{ name: WORKER_PORT, value: "9100" }, '),
  )
  await writeFile(at('wrong.yaml'), manifest.replace('port: 9000', 'port: 9100'))
  await writeFile(at('hostless.yaml'), manifest.replace('{ name: TENON_HOST, value: 0.0.0.0 }', ''))
  await writeFile(at('Dockerfile'), 'FROM node:24\nENV TENON_HOST=0.0.0.0\n')
  await writeFile(at('poor.yaml'), manifest.replace('256Mi', '256Mi, cpu: 1'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => void vi.stubEnv('NODE_OPTIONS', '--conditions=@tenon/source'))
afterEach(() => void vi.unstubAllEnvs())

async function doctor(...args: readonly string[]) {
  const terminal = recordedTerminal()
  const childFile = fileURLToPath(new URL('../child.ts', import.meta.url))
  const exitCode = await runCommand(['doctor', ...args], { terminal, childFile })
  return { exitCode, printed: terminal.printed(), complained: terminal.complained() }
}

describe('tenon doctor', () => {
  it('is fine with a manifest that says what the code needs, with the settings of the pod', async () => {
    expect(await doctor(at('service.mjs'), at('right.yaml'))).toMatchObject({
      exitCode: 0,
      printed: 'fine  worker in Deployment/worker',
    })
  })

  it('tells place, reason and fix of an error, and exits with 1', async () => {
    const { exitCode, printed } = await doctor(at('service.mjs'), at('wrong.yaml'))
    expect(exitCode).toBe(1)
    expect(printed).toBe(
      [
        'error  probe-port-unknown  Deployment/worker  spec.template.spec.containers[0].readinessProbe.httpGet.port',
        '  readinessProbe asks port 9100, where nobody listens: the service listens on 9000 (admin)',
        '  fix: port: 9000',
        '',
        'worker in Deployment/worker: 1 error',
      ].join('\n'),
    )
  })

  it('lets a warning pass, but not with --strict, and tells it as JSON', async () => {
    const { exitCode, printed } = await doctor(at('service.mjs'), at('poor.yaml'), '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(printed)).toEqual({
      ok: true,
      service: 'worker',
      workloads: ['Deployment/worker'],
      findings: [
        {
          rule: 'cpu-limited',
          severity: 'warning',
          object: 'Deployment/worker',
          path: 'spec.template.spec.containers[0].resources.limits.cpu',
          message: expect.stringContaining('CPU limit (1)'),
          fix: expect.stringContaining('leave the CPU limit out'),
        },
      ],
    })
    expect((await doctor(at('service.mjs'), at('poor.yaml'), '--strict')).exitCode).toBe(1)
  })

  it('learns from a Dockerfile what the image sets', async () => {
    const { printed } = await doctor(at('service.mjs'), at('hostless.yaml'))
    expect(printed).toMatch(/^warning {2}host-unset .*$/m)
    expect(await doctor(at('service.mjs'), at('hostless.yaml'), at('Dockerfile'))).toMatchObject({
      exitCode: 0,
      printed: 'fine  worker in Deployment/worker',
    })
  })

  it.each([
    [[], 'expected the file of a service, found none'],
    [['service.ts'], 'expected one or more files or folders of manifests, or --live; found none'],
    [['service.ts', 'a.yaml', '--live'], '--live takes no files, found a.yaml'],
    [['service.ts', 'a.yaml', '--namespace', 'shop'], '--namespace and --context are for --live'],
  ])('exits with 2 for %j', async (args, message) => {
    const { exitCode, complained } = await doctor(...args)
    expect(exitCode).toBe(2)
    expect(complained).toContain(message)
  })
})
