import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { defineConsumer, defineHandler, defineSchedule, defineService, every, secret, text } from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryDriver, queueTransport } from '@tenon/transport-queue'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manifests } from '../../packages/cli/src/generate/kubernetes/manifests.ts'
import { clusterAbsence } from '../support/cluster.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { runTool, toolAbsence } from '../support/tool.ts'
import { greetingHandler } from './fixture/greeting.ts'

const conformAbsence = toolAbsence('kubeconform')
const absence = clusterAbsence()

const parcels = contract('test.cli.v1.ParcelService', {
  find: { input: Type.Object({ id: Type.String() }), output: Type.Object({ id: Type.String() }) },
})
const parcelSent = event('test.cli.parcel.sent.v1', { key: 'id', payload: Type.Object({ id: Type.String() }) })
const parcelHandler = defineHandler(parcels, () => ({ find: ({ id }) => ({ id }) }))
const consumer = defineConsumer(parcelSent, () => () => undefined)
const tidy = defineSchedule('tidy', every('5 m'), () => () => undefined)
const queue = () => queueTransport({ driver: memoryDriver() })

const kinds = {
  'http-only': defineService({
    name: 'http-only',
    version: '1.0.0',
    config: { password: secret(text('PASSWORD')) },
    handlers: [greetingHandler],
    transports: () => [httpTransport({ port: 3000 })],
    deregisterDelayMs: 0,
  }),
  'grpc-with-tls': defineService({
    name: 'grpc-with-tls',
    version: '1.0.0+build.7',
    handlers: [parcelHandler],
    transports: () => [grpcTransport({ port: 50_051, tls: { cert: 'cert', key: 'key' } })],
    maxConcurrentCalls: 100,
  }),
  'queue-worker': defineService({
    name: 'queue-worker',
    version: '1.0.0',
    handlers: [consumer],
    transports: () => [queue()],
    startTimeoutMs: 3_600_000,
    shutdownTimeoutMs: 600_000,
  }),
  'schedules-only': defineService({ name: 'schedules-only', version: '1.0.0', handlers: [tidy], shutdownTimeoutMs: 0 }),
  'every-way': defineService({
    name: 'every-way',
    version: '1.0.0',
    handlers: [greetingHandler, parcelHandler, consumer, tidy],
    transports: () => [httpTransport({ port: 3000 }), grpcTransport({ port: 50_051 }), queue()],
  }),
}

/** Writes the manifests of a service of some kind, and gives the folder. */
async function writtenKind(kind: keyof typeof kinds): Promise<string> {
  const folder = await temporaryFolder()
  const description = kinds[kind].describe({ environment: { NODE_ENV: 'production', TENON_HOST: '0.0.0.0' } })
  const overlays = [{ name: 'local', description, config: {}, secrets: {} }]
  const { files } = manifests({ overlays, options: { replicas: { min: 2, max: 6 }, partOf: 'shop' } })
  for (const { path, text: content } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

const examples = ['user', 'order'].flatMap((name) =>
  ['local', 'production'].map((place) => `examples/user-order/deploy/kubernetes/${name}/overlays/${place}`),
)
const names = Object.keys(kinds) as (keyof typeof kinds)[]
const kubeconform = ['kubeconform', '-strict', '-schema-location', process.env['KUBE_SCHEMAS'] ?? 'default'] as const
const notKubernetes = ['-ignore-filename-pattern', 'kustomization.yaml', '-ignore-filename-pattern', '[.]env'] as const

describe.skipIf(conformAbsence)(`kubeconform${conformAbsence ? ` (skipped: ${conformAbsence})` : ''}`, () => {
  test('finds nothing wrong with the manifests of any kind of service', async () => {
    const folders = await Promise.all(names.map(writtenKind))
    const signal = AbortSignal.timeout(50_000)
    const { code, output } = await runTool([...kubeconform, '-summary', ...notKubernetes, ...folders], {
      folder: '.',
      signal,
    })
    expect(code, output).toBe(0)
    // Four objects and a policy each, and five Services.
    expect(output).toContain('Valid: 30, Invalid: 0, Errors: 0, Skipped: 0')
  })

  test('would find a field that does not exist', async () => {
    const folder = await writtenKind('http-only')
    await spoil(folder, ['terminationGracePeriodSeconds', 'terminationGraceSeconds'])
    const signal = AbortSignal.timeout(50_000)
    const { code, output } = await runTool([...kubeconform, 'base/deployment.yaml'], { folder, signal })
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining('terminationGraceSeconds') })
  })
})

describe.skipIf(absence)(`an API server${absence ? ` (skipped: ${absence})` : ''}`, () => {
  const namespace = `tenon-test-${randomUUID().slice(0, 8)}`

  // Which warns of every pod that asks for more than it needs.
  beforeAll(async () => {
    await fine(['create', 'namespace', namespace])
    await fine(['label', 'namespace', namespace, 'pod-security.kubernetes.io/warn=restricted'])
  })

  afterAll(() => fine(['delete', 'namespace', namespace, '--wait=false']))

  test('takes the manifests of every kind of service and those of the example, and sees no danger in their pods', async () => {
    const folders = (await Promise.all(names.map(writtenKind))).map((folder) => join(folder, 'overlays/local'))
    const kustomized = await Promise.all([...folders, ...examples].map((folder) => fine(['kustomize', folder])))
    const { code, output } = await dryRun(kustomized.join('---\n'), namespace)
    expect(code, output).toBe(0)
    expect(output).not.toContain('Warning')
    for (const name of [...names, 'user', 'order'])
      expect(output).toContain(`deployment.apps/${name} created (server dry run)`)
  })

  test.each([
    ['drop', ['drop:\n                - ALL', 'add: []'], 0, 'would violate PodSecurity "restricted:latest"'],
    ['grace', ['PeriodSeconds: 31', 'PeriodSeconds: 4'], 1, 'terminationGracePeriodSeconds (4)'],
    ['surge', ['maxSurge: 1', 'maxSurge: 0'], 1, 'may not be 0 when'],
  ])('would tell of a pod that is wrong: %s', async (_what, change, exitCode, expected) => {
    const folder = await writtenKind('http-only')
    await spoil(folder, change as [string, string])
    const { code, output } = await dryRun(await readFile(join(folder, 'base/deployment.yaml'), 'utf8'), namespace)
    expect({ code, output }).toEqual({ code: exitCode, output: expect.stringContaining(expected) })
  })
})

/** Replaces a text of the deployment, which has to be there. */
async function spoil(folder: string, [from, to]: readonly [string, string]): Promise<void> {
  const file = join(folder, 'base/deployment.yaml')
  const whole = await readFile(file, 'utf8')
  expect(whole).toContain(from)
  await writeFile(file, whole.replace(from, to))
}

async function dryRun(yaml: string, namespace: string) {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'all.yaml'), yaml)
  return kubectl(['apply', '--dry-run=server', '-n', namespace, '-f', join(folder, 'all.yaml')])
}

/** Runs it to its end, which has to be a good one, and gives what it printed. */
async function fine(args: readonly string[]): Promise<string> {
  const { code, output } = await kubectl(args)
  expect(code, output).toBe(0)
  return output
}

async function kubectl(args: readonly string[]) {
  return runTool(['kubectl', ...args], { folder: '.', signal: AbortSignal.timeout(50_000) })
}
