import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readmeBlocks } from '../promise/readme-block.ts'
import { clusterAbsence } from '../support/cluster.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { kubectl, Namespace } from './kubectl.ts'
import { loadPodImage, podImage } from './pod-image.ts'

/** One line of the log of the fixture's pod; what the service logs has none of these fields. */
interface Seen {
  readonly instances?: readonly { readonly id: string; readonly health: string }[]
  readonly pod?: string
  readonly failure?: string
  readonly trouble?: string
}

const absence = clusterAbsence()
const patience = { timeoutMs: 60_000, intervalMs: 250 }

describe.skipIf(absence)(`a pod with the registry${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let namespace: Namespace
  beforeAll(async () => {
    await loadPodImage()
    namespace = await openNamespace()
  }, 300_000)
  afterAll(() => namespace?.[Symbol.asyncDispose](), 180_000)

  test('finds and calls others by its own token and the Role of the README', { timeout: 240_000 }, async () => {
    const [role = '', patch = ''] = await readmeYaml()
    await namespace.run(['apply', '-f', '-'], {
      input: role.replace('namespace: shop', `namespace: ${namespace.name}`),
    })
    await apply(namespace, userObjects)
    const users = await readyUsers(namespace)
    await apply(namespace, [await patched(pod('order'), patch)])
    await eventually(async () => {
      const lines = await readLog(namespace, 'order')
      expect(lines.findLast(({ instances }) => instances)?.instances).toEqual(
        users.map((id) => ({ id, health: 'serving' })),
      )
      expect(users.filter((user) => lines.some((line) => line.pod === user))).toEqual(users)
    }, patience)

    const [leaving = ''] = users
    await namespace.run(['delete', 'pod', leaving, '--wait=true'])
    const left = await readyUsers(namespace)
    const lines = await eventually(async () => {
      const read = await readLog(namespace, 'order')
      expect(read.findLast(({ instances }) => instances)?.instances?.map(({ id }) => id)).toEqual(left)
      return read
    }, patience)
    const healths = lines.flatMap(({ instances }) => instances?.filter(({ id }) => id === leaving) ?? [])
    expect(new Set(healths.map(({ health }) => health))).toEqual(new Set(['serving', 'draining']))
    expect(lines.filter(({ failure, trouble }) => failure ?? trouble)).toEqual([])
  })

  test('is told what it may not do without the Role, and which one it needs', { timeout: 120_000 }, async () => {
    await apply(namespace, [pod('watch')])
    await isTold(
      namespace,
      'watch',
      /^Kubernetes at https:\S+, asked for the EndpointSlices of Service user: 403 .*cannot list resource "endpointslices".*: let the account list and watch endpointslices of discovery\.k8s\.io, by the Role in the README/,
    )
  })

  test('is told what to set without a token', { timeout: 120_000 }, async () => {
    await apply(namespace, [pod('tokenless', { automountServiceAccountToken: false })])
    await isTold(
      namespace,
      'tokenless',
      /the pod has no \/var\/run\/secrets\/\S+: .* set automountServiceAccountToken: true in its spec/,
    )
  })
})

async function readmeYaml(): Promise<readonly string[]> {
  const blocks = await readmeBlocks('packages/registry-kubernetes/README.md')
  return blocks.filter(({ language }) => language === 'yaml').map(({ text }) => text)
}

async function openNamespace(): Promise<Namespace> {
  const namespace = await Namespace.create(`tenon-registry-${Date.now().toString(36)}`)
  // Pods cannot be made before their account is.
  await eventually(() => namespace.run(['get', 'serviceaccount', 'default']), patience)
  return namespace
}

async function apply(namespace: Namespace, objects: readonly object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
  await namespace.run(['apply', '-f', '-'], { input })
}

/** As an overlay has it: the object with a patch. */
async function patched(object: object, patch: string): Promise<object> {
  const folder = await temporaryFolder()
  const [file, patchFile] = [join(folder, 'object.json'), join(folder, 'patch.yaml')]
  await writeFile(file, JSON.stringify(object))
  await writeFile(patchFile, patch)
  return JSON.parse(await kubectl(['patch', '--local', '-f', file, '--patch-file', patchFile, '-o', 'json'])) as object
}

async function isTold(namespace: Namespace, app: string, form: RegExp): Promise<void> {
  await eventually(async () => {
    const [line] = await readLog(namespace, app)
    expect(line?.trouble).toMatch(form)
  }, patience)
}

/** Names of the pods that are ready, all of them. */
function readyUsers(namespace: Namespace): Promise<readonly string[]> {
  return eventually(async () => {
    const pods = await namespace.list<ListedPod>(['pods', '-l', 'app=user'])
    const ready = pods.filter(({ status }) =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    )
    expect([pods.length, ready.length]).toEqual([userCount, userCount])
    return ready.map(({ metadata }) => metadata.name).toSorted()
  }, patience)
}

interface ListedPod {
  readonly metadata: { readonly name: string }
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

async function readLog(namespace: Namespace, app: string): Promise<readonly Seen[]> {
  const text = await namespace.run(['logs', `deployment/${app}`])
  return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Seen] : []))
}

const userCount = 2

/** A Deployment of the fixture. */
function pod(app: string, spec: object = {}, replicas = 1): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: {
          containers: [
            {
              name: app,
              image: podImage,
              imagePullPolicy: 'Never',
              env: [
                { name: 'SERVICE', value: app },
                { name: 'TENON_HOST', value: '0.0.0.0' },
              ],
              ...((app === 'user' || app === 'order') && {
                readinessProbe: { httpGet: { path: '/readyz', port: 9000 }, periodSeconds: 1 },
              }),
            },
          ],
          terminationGracePeriodSeconds: 10,
          ...spec,
        },
      },
    },
  }
}

const userObjects = [
  pod('user', {}, userCount),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'user' },
    spec: { selector: { app: 'user' }, ports: [{ name: 'grpc', port: 50_051, targetPort: 50_051 }] },
  },
]
