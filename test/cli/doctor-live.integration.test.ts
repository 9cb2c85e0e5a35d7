import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterAbsence } from '../support/cluster.ts'
import { runTool } from '../support/tool.ts'
import { fixture, tenon } from './tenon.ts'

const absence = clusterAbsence()
const service = [fixture('worker-service.ts'), '--export', 'service']
const namespace = `doctor-${randomUUID().slice(0, 8)}`

/** No pod of it ever runs: it is there to be looked at. */
const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: worker }
spec:
  replicas: 0
  selector: { matchLabels: { app: worker } }
  template:
    metadata: { labels: { app: worker } }
    spec:
      terminationGracePeriodSeconds: 4
      securityContext: { runAsNonRoot: true }
      containers:
        - name: worker
          image: shop/worker:1.0.0
          envFrom: [{ configMapRef: { name: worker-config } }]
          readinessProbe: { httpGet: { path: /readyz, port: 9000 } }
          livenessProbe: { httpGet: { path: /livez, port: 9000 }, timeoutSeconds: 5 }
          resources: { requests: { cpu: 50m, memory: 128Mi }, limits: { memory: 256Mi } }
          securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: worker-config }
data: { TENON_HOST: 0.0.0.0 }
`

describe.skipIf(absence)(`tenon doctor --live${absence ? ` (skipped: ${absence})` : ''}`, { timeout: 120_000 }, () => {
  let folder: string
  const kubectl = async (...args: readonly string[]) => {
    const { code, output } = await runTool(['kubectl', ...args], { folder, signal: AbortSignal.timeout(50_000) })
    expect(code, output).toBe(0)
  }
  const apply = async (text: string) => {
    await writeFile(join(folder, 'all.yaml'), text)
    await kubectl('apply', '--namespace', namespace, '--filename', 'all.yaml')
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenon-live-'))
    await kubectl('create', 'namespace', namespace)
  })
  afterAll(async () => {
    await kubectl('delete', 'namespace', namespace, '--wait=false')
    await rm(folder, { recursive: true })
  })

  test('finds what is wrong with what runs, and nothing once it is mended', async () => {
    await apply(deployment.replace('Seconds: 4', 'Seconds: 3').replace('0.0.0.0', '127.0.0.1'))
    const { exitCode, printed } = await tenon('doctor', ...service, '--live', '--namespace', namespace, '--json')
    const { ok, findings } = JSON.parse(printed) as {
      ok: boolean
      findings: readonly { rule: string; object: string }[]
    }
    expect({ exitCode, ok, found: findings.map(({ rule, object }) => `${rule} ${object}`) }).toEqual({
      exitCode: 1,
      ok: false,
      found: ['grace-too-short Deployment/worker', 'listens-on-loopback Deployment/worker'],
    })
    await apply(deployment)
    expect(await tenon('doctor', ...service, '--live', '--namespace', namespace)).toMatchObject({
      exitCode: 0,
      printed: 'fine  worker in Deployment/worker\n',
    })
  })

  test('says where it found no such workload, and what kubectl complains of', async () => {
    const empty = await tenon('doctor', ...service, '--live', '--namespace', 'kube-public')
    expect(empty).toMatchObject({ exitCode: 2, errors: expect.stringContaining('found no Deployment') })
    const lost = await tenon('doctor', ...service, '--live', '--context', 'nowhere')
    expect(lost).toMatchObject({ exitCode: 2, errors: expect.stringMatching(/kubectl get failed: .*nowhere/) })
  })
})
