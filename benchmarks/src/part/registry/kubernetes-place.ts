import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Published, RegistryPlace } from './registry-place.ts'

const endpointsInSlice = 100

/** Kubernetes tells of the slice that has changed, of up to a hundred endpoints. */
export async function kubernetesPlace(): Promise<RegistryPlace | undefined> {
  if (!process.env['KUBECONFIG']) return undefined
  const kubeconfig = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'])
  const { clusters } = JSON.parse(kubeconfig) as {
    readonly clusters: readonly [{ readonly cluster: { readonly server: string } }]
  }
  const { server } = clusters[0].cluster
  const folder = mkdtempSync(join(tmpdir(), 'tenon-bench-'))
  // It has what the cluster knows its user by.
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'kubeconfig')
  return {
    name: 'Kubernetes',
    address: server,
    target: 1.2,
    environment: (port) => {
      const config = kubeconfig.replace(server, `https://127.0.0.1:${port}`)
      writeFileSync(file, config)
      return { BENCH_REGISTRY: 'kubernetes', KUBECONFIG: file }
    },
    publish,
  }
}

async function publish(name: string, count: number): Promise<Published> {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(4, '0')}`)
  const slices = new Map<string, Slice>()
  for (let begin = 0; begin < count; begin += endpointsInSlice) {
    const slice = sliceOf(`${name}-${begin}`, name, ids.slice(begin, begin + endpointsInSlice), begin)
    for (const id of ids.slice(begin, begin + endpointsInSlice)) slices.set(id, slice)
  }
  const all = [...new Set(slices.values())]
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all }))
  return {
    ids,
    change: async (id, marker) => {
      const slice = slices.get(id)
      const index = slice?.endpoints.findIndex(({ targetRef }) => targetRef.name === id) ?? -1
      const patch = [{ op: 'replace', path: `/endpoints/${index}/zone`, value: marker }]
      await kubectl(['patch', 'endpointslice', slice?.metadata.name ?? '', '--type=json', '-p', JSON.stringify(patch)])
    },
    messageBytes: async () => (await kubectl(['get', '--raw', await slicePath(all[0])])).length,
    [Symbol.asyncDispose]: async () =>
      void (await kubectl(['delete', 'endpointslice', '-l', `kubernetes.io/service-name=${name}`])),
  }
}

type Slice = ReturnType<typeof sliceOf>

function sliceOf(name: string, service: string, ids: readonly string[], begin: number) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 3001, protocol: 'TCP' },
      { name: 'grpc', port: 50_051, protocol: 'TCP' },
    ],
    endpoints: ids.map((id, index) => ({
      addresses: [`10.1.${(begin + index) >> 8}.${(begin + index) & 255}`],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', name: id, namespace: 'default' },
      zone: '0',
    })),
  }
}

async function slicePath(slice: Slice | undefined): Promise<string> {
  const namespace = (await kubectl(['config', 'view', '--minify', '-o', 'jsonpath={..namespace}'])).trim() || 'default'
  return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/${slice?.metadata.name}`
}

async function kubectl(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('kubectl', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(input)
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`kubectl ${args[0]} ended with code ${code}`)
  return output
}
