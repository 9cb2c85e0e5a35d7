import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolveKubernetesOptions } from '../kubernetes-options.ts'
import { openAccess, peerOf } from './open-access.ts'
import { serviceAccountAccess } from './service-account.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'tenon-access-'))))
afterEach(() => rm(folder, { recursive: true }))

/** Writes a kubeconfig and gives its path. */
async function kubeconfig(name: string, server: string, user = ''): Promise<string> {
  const path = join(folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  const text = `
current-context: here
contexts: [{name: here, context: {cluster: c, user: u, namespace: shop}}]
clusters: [{name: c, cluster: {server: "${server}"}}]
users: [{name: u, user: {${user}}}]
`
  await writeFile(path, text)
  return path
}

const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }
const none = resolveKubernetesOptions({})

async function originOf(options: Parameters<typeof resolveKubernetesOptions>[0], environment: Record<string, string>) {
  return (await openAccess(resolveKubernetesOptions(options), environment)).origin
}

test('the kubeconfig of the options counts before KUBECONFIG, that before the pod, and that before ~/.kube/config', async () => {
  const chosen = await kubeconfig('chosen', 'https://chosen:6443')
  const KUBECONFIG = await kubeconfig('named', 'https://named:6443')
  await kubeconfig('.kube/config', 'https://home:6443')
  const environment = { ...inPod, KUBECONFIG, HOME: folder }
  expect(await originOf({ kubeconfig: chosen }, environment)).toBe('https://chosen:6443')
  expect(await originOf({}, environment)).toBe('https://named:6443')
  expect(await originOf({ context: 'here' }, { ...inPod, HOME: folder })).toBe('https://home:6443')
  await expect(openAccess(none, { ...inPod, HOME: folder })).rejects.toThrow('the pod has no /var/run/secrets/')
  expect(await originOf({}, { HOME: folder })).toBe('https://home:6443')
})

test('of the files that KUBECONFIG names some may be missing', async () => {
  const there = await kubeconfig('there', 'https://there:6443')
  expect(await originOf({}, { KUBECONFIG: [join(folder, 'missing'), '', there].join(delimiter) })).toBe(
    'https://there:6443',
  )
  const KUBECONFIG = join(folder, 'missing')
  await expect(openAccess(none, { KUBECONFIG })).rejects.toThrow(
    `kubernetesRegistry: there is no ${KUBECONFIG}: name a kubeconfig`,
  )
})

test('a path of the server stands before every path', async () => {
  const path = await kubeconfig('rancher', 'https://rancher/k8s/clusters/c-1/')
  const access = await openAccess(resolveKubernetesOptions({ kubeconfig: path }), {})
  expect([access.origin, access.basePath, access.namespace]).toEqual(['https://rancher', '/k8s/clusters/c-1', 'shop'])
})

test('what is no YAML is refused, and not shown', async () => {
  const path = join(folder, 'broken')
  await writeFile(path, 'token: "secret\nother: [')
  const opened = openAccess(resolveKubernetesOptions({ kubeconfig: path }), {})
  await expect(opened).rejects.toThrow(`${path}: is not YAML`)
  await expect(opened).rejects.not.toThrow('secret')
})

test('a token is sent over https only', async () => {
  const path = await kubeconfig('plain', 'http://127.0.0.1:8001', 'token: secret')
  const opened = openAccess(resolveKubernetesOptions({ kubeconfig: path }), {})
  await expect(opened).rejects.toThrow(`${path}: a token is sent over https only`)
  expect(await originOf({ kubeconfig: await kubeconfig('proxy', 'http://127.0.0.1:8001') }, {})).toBe(
    'http://127.0.0.1:8001',
  )
})

test('tokens and certificates of files are read each time they are needed', async () => {
  for (const name of ['token', 'ca', 'cert', 'key']) await writeFile(join(folder, name), `old ${name}`)
  const user = 'tokenFile: token, client-certificate: cert, client-key: key'
  const path = await kubeconfig('files', 'https://a:6443", certificate-authority: "ca', user)
  const access = await openAccess(resolveKubernetesOptions({ kubeconfig: path }), {})
  expect(await access.token()).toBe('old token')
  expect(await access.tls()).toEqual({ ca: 'old ca', cert: 'old cert', key: 'old key' })
  for (const name of ['token', 'ca', 'cert', 'key']) await writeFile(join(folder, name), `new ${name}\n`)
  expect(await access.token()).toBe('new token')
  expect(await access.tls()).toEqual({ ca: 'new ca\n', cert: 'new cert\n', key: 'new key\n' })
})

test('a pod has what is mounted for its service account, and its token is read each time', async () => {
  for (const [name, text] of [
    ['token', 'old\n'],
    ['ca.crt', 'ca'],
    ['namespace', 'shop\n'],
  ] as const)
    await writeFile(join(folder, name), text)
  const access = await serviceAccountAccess({ ...inPod, KUBERNETES_SERVICE_PORT: '6443' }, folder)
  expect([access.origin, access.basePath, access.namespace]).toEqual(['https://10.96.0.1:6443', '', 'shop'])
  expect(await access.tls()).toEqual({ ca: 'ca' })
  expect(await access.token()).toBe('old')
  await writeFile(join(folder, 'token'), 'new')
  expect(await access.token()).toBe('new')
})

test('a pod without a mounted service account is told what to set', async () => {
  await expect(serviceAccountAccess(inPod, folder)).rejects.toThrow(
    `kubernetesRegistry: the pod has no ${join(folder, 'namespace')}: give it a service account with the Role in the README of @tenon/registry-kubernetes, and set automountServiceAccountToken: true`,
  )
})

test.each<[Record<string, string>, object, string]>([
  [inPod, {}, '10.96.0.1:443'],
  [{ KUBERNETES_SERVICE_HOST: 'fd00::1' }, {}, '[fd00::1]:443'],
  [{}, {}, 'kubernetes.default.svc:443'],
  [inPod, { kubeconfig: '/a' }, 'kubernetes.default.svc:443'],
])('with %j and options %j it connects to %s', (environment, options, address) => {
  expect(peerOf(resolveKubernetesOptions(options), environment)).toBe(address)
})
