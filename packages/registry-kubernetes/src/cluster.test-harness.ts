import { randomUUID } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '@tenon/core/registry'
import { buildConnector, Pool } from 'undici'
import type { ClusterAccess } from './access/cluster-access.ts'
import { openAccess } from './access/open-access.ts'
import { resolveKubernetesOptions } from './kubernetes-options.ts'

/** Most endpoints of a slice. @see Kubernetes, EndpointSlices: Distribution of EndpointSlices */
const sliceSize = 100

/** A namespace of a real cluster, whose slices tests write as the controllers of Kubernetes would. */
export class ClusterNamespace implements AsyncDisposable {
  readonly access: ClusterAccess
  readonly name = `tenon-${randomUUID().slice(0, 8)}`
  readonly #pool: Pool
  /** What was written, by the name of the slice. */
  readonly #written = new Map<string, object>()
  /** Where instances are, so that one change is the change of one slice. */
  readonly #places = new Map<string, string>()

  private constructor(access: ClusterAccess, pool: Pool) {
    this.access = access
    this.#pool = pool
  }

  /** In a cluster, that of `KUBECONFIG` unless another is given. */
  static async create(given?: ClusterAccess): Promise<ClusterNamespace> {
    const access = given ?? (await openAccess(resolveKubernetesOptions({}), process.env))
    const pool = new Pool(access.origin, {
      connect: buildConnector({ ...(await access.tls()) }),
      allowH2: false,
      connections: 4,
    })
    const namespace = new ClusterNamespace(access, pool)
    const { name } = namespace
    await namespace.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    return namespace
  }

  /** `host` and `port` of the API server. */
  get server(): { readonly host: string; readonly port: number } {
    const { hostname, port } = new URL(this.access.origin)
    return { host: hostname, port: Number(port || 443) }
  }

  /** Makes the slices of a Service tell of exactly these instances. */
  async publish(service: string, instances: readonly Instance[]): Promise<void> {
    const kept = new Map(instances.map((instance) => [this.#placeOf(service, instance), [] as Instance[]]))
    for (const instance of instances) kept.get(this.#placeOf(service, instance))?.push(instance)
    const gone = [...this.#places].flatMap(([key, slice]) =>
      key.startsWith(`${service}/`) && !kept.has(slice) ? [slice] : [],
    )
    for (const [slice, members] of kept) await this.apply(slice, service, sliceOf(members))
    for (const slice of new Set(gone)) await this.#delete(slice)
  }

  /** Writes a slice, unless it is so already. */
  async apply(slice: string, service: string, fields: object): Promise<void> {
    if (isDeepStrictEqual(this.#written.get(slice), fields)) return
    await this.request('PATCH', `${this.#slices}/${slice}?fieldManager=test&force=true`, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: slice, labels: { 'kubernetes.io/service-name': service } },
      ...fields,
    })
    this.#written.set(slice, fields)
  }

  async request(method: 'POST' | 'PATCH' | 'DELETE' | 'GET', path: string, body?: object): Promise<unknown> {
    const type = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json'
    const token = await this.access.token()
    const reply = await this.#pool.request({
      method,
      path,
      headers: { 'content-type': type, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await reply.body.text()
    if (reply.statusCode < 300) return JSON.parse(text) as unknown
    throw new Error(`${method} ${path}: ${reply.statusCode} ${text}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.request('DELETE', `/api/v1/namespaces/${this.name}`).catch(() => undefined)
    await this.#pool.destroy()
  }

  get #slices(): string {
    return `/apis/discovery.k8s.io/v1/namespaces/${this.name}/endpointslices`
  }

  async #delete(slice: string): Promise<void> {
    if (this.#written.delete(slice)) await this.request('DELETE', `${this.#slices}/${slice}`)
  }

  /** The slice of an instance: the first that had room when it came. */
  #placeOf(service: string, instance: Instance): string {
    const family = familyOf(instance)
    const key = `${service}/${instance.id}/${family}`
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const counts = Map.groupBy(this.#places.values(), (place) => place)
    const at = (index: number) => `${service}-${family}-${index}`.toLowerCase()
    let index = 0
    while ((counts.get(at(index))?.length ?? 0) >= sliceSize) index += 1
    this.#places.set(key, at(index))
    return at(index)
  }
}

function familyOf({ endpoints }: Instance): 'IPv4' | 'IPv6' {
  return isIPv6(endpoints[0]?.host ?? '') ? 'IPv6' : 'IPv4'
}

function sliceOf(instances: readonly Instance[]): object {
  const [first] = instances
  const ports = first?.endpoints.map(({ protocol, port }) => ({ name: protocol, port, protocol: 'TCP' })) ?? []
  return {
    addressType: first ? familyOf(first) : 'IPv4',
    ports,
    endpoints: instances.map(({ id, endpoints, zone }) => ({
      addresses: [endpoints[0]?.host],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', name: id },
      ...(zone !== undefined && { zone }),
    })),
  }
}
