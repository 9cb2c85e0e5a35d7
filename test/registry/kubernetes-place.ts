import { writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ApiServer } from '../../packages/registry-kubernetes/src/api-server.test-harness.ts'
import type { ShopProcess } from '../promise/shop-process.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { runTool } from '../support/tool.ts'
import { harmedWay, linkHarms, type RegistryPlace } from './harmed-registry.ts'

/** An API server of its own, which may be killed; nodes and controllers are the test's. */
export async function kubernetesPlace(): Promise<RegistryPlace> {
  const server = await ApiServer.start()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const { origin, namespace, token } = server.access
  const way = await harmedWay(Number(new URL(origin).port))
  const folder = await temporaryFolder()
  const configAt = async (name: string, address: string) => {
    const file = join(folder, name)
    await writeFile(file, JSON.stringify(kubeconfig(address, (await token()) ?? '')))
    return file
  }
  const [KUBECONFIG, direct] = [
    await configAt('harmed', `https://127.0.0.1:${way.port}`),
    await configAt('direct', origin),
  ]
  const slices = join(folder, 'slices.json')
  return {
    // As in a pod, so that a service that stops waits for those who are told of it late.
    environment: { REGISTRY: 'kubernetes', KUBECONFIG, TENON_HOST: ownAddress(), KUBERNETES_SERVICE_HOST: '127.0.0.1' },
    harms: [{ name: 'is killed and started again', run: () => server.restart() }, ...linkHarms(way)],
    ttlMs: undefined,
    shows: async (instances) => {
      const items = instances.map((instance) => sliceOf(instance, namespace))
      await writeFile(slices, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
      const prune = [
        '--prune',
        '-l',
        'kubernetes.io/service-name=user',
        '--prune-allowlist=discovery.k8s.io/v1/EndpointSlice',
      ]
      const command = ['kubectl', '--kubeconfig', direct, 'apply', '-n', namespace, '-f', slices, ...prune] as const
      const { code, output } = await runTool(command, { folder, signal: new AbortController().signal })
      if (code !== 0) throw new Error(`kubectl apply failed: ${output}`)
    },
  }
}

function kubeconfig(server: string, token: string): object {
  const name = 'own'
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
}

/** As the controller of EndpointSlices writes it for a pod. */
function sliceOf(instance: ShopProcess, namespace: string): object {
  const { hostname: address, port } = new URL(`http://${instance.at('grpc')}`)
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `user-${port}`, namespace, labels: { 'kubernetes.io/service-name': 'user' } },
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: Number(port), protocol: 'TCP' }],
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: true, serving: true, terminating: false },
        targetRef: { kind: 'Pod', name: `user-${port}`, namespace },
      },
    ],
  }
}

/** An endpoint must not be a loopback. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  const own = all.find(({ family, internal }) => family === 'IPv4' && !internal)
  if (own === undefined) throw new Error('this machine has no address but its loopback')
  return own.address
}
