import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ShopProcess } from '../promise/shop-process.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { runTool } from '../support/tool.ts'
import { harmedWay, linkHarms, type RegistryPlace } from './harmed-registry.ts'

/** A namespace of its own, on a cluster that others use too: what is harmed is the way to its API server. */
export async function kubernetesPlace(): Promise<RegistryPlace> {
  const folder = await temporaryFolder()
  const kubectl = async (...args: readonly string[]) => {
    const { code, output } = await runTool(['kubectl', ...args], { folder, signal: new AbortController().signal })
    if (code !== 0) throw new Error(`kubectl ${args[0]} failed: ${output}`)
    return output
  }
  const namespace = `registry-${randomUUID().slice(0, 8)}`
  await kubectl('create', 'namespace', namespace)
  onTestFinished(async () => void (await kubectl('delete', 'namespace', namespace, '--wait=false')))
  const config = JSON.parse(
    await kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'),
  ) as KubeConfig
  const way = await harmedWay(Number(new URL(config.clusters[0].cluster.server).port))
  config.clusters[0].cluster.server = `https://127.0.0.1:${way.port}`
  config.contexts[0].context.namespace = namespace
  const [KUBECONFIG, slices] = [join(folder, 'kubeconfig'), join(folder, 'slices.json')]
  await writeFile(KUBECONFIG, JSON.stringify(config))
  return {
    // As in a pod, so that a service that stops waits for those who are told of it late.
    environment: { REGISTRY: 'kubernetes', KUBECONFIG, TENON_HOST: ownAddress(), KUBERNETES_SERVICE_HOST: '127.0.0.1' },
    harms: linkHarms(way),
    ttlMs: undefined,
    shows: async (instances) => {
      const items = instances.map((instance) => sliceOf(instance, namespace))
      await writeFile(slices, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
      const label = 'kubernetes.io/service-name=user'
      const prune = ['--prune', '-l', label, '--prune-allowlist=discovery.k8s.io/v1/EndpointSlice']
      await kubectl('apply', '-n', namespace, '-f', slices, ...prune)
    },
  }
}

interface KubeConfig {
  readonly clusters: readonly [{ readonly cluster: { server: string } }]
  readonly contexts: readonly [{ readonly context: { namespace?: string } }]
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
