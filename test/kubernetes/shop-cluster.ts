import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { Gate } from './gate.ts'
import { images, type ServiceName, serviceNames } from './images.ts'
import { kubectl, Namespace } from './kubectl.ts'
import { isReady, type Pod } from './pod.ts'
import type { ServicePlaces, ShopPlaces } from './shop-load.ts'
import { tenon } from './tenon.ts'

/** What pods reach, and from where this process reaches them. */
export interface ClusterServers {
  /** Of Kafka, as pods see them. */
  readonly brokers: string
  /** The database, as this machine sees it. */
  readonly databaseUrl: string
}

/** How long a step of the cluster may take, such as a rollout of a service. */
const stepTimeoutMs = 180_000

/** Both services of the example in a namespace of their own, from the manifests that `tenon generate kubernetes` writes. */
export class ShopCluster implements AsyncDisposable {
  readonly namespace: Namespace
  /** The way to the database. */
  readonly database: Gate
  readonly places: ShopPlaces

  private constructor(namespace: Namespace, database: Gate, places: ShopPlaces) {
    this.namespace = namespace
    this.database = database
    this.places = places
  }

  /** Resolves when all pods are ready. */
  static async open(servers: ClusterServers): Promise<ShopCluster> {
    const nodeAddress = await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].status.addresses[0].address}'])
    const url = new URL(servers.databaseUrl)
    const database = await Gate.open(nodeAddress, { host: url.hostname, port: Number(url.port || 5432) })
    const namespace = await Namespace.create(`tenon-${Date.now().toString(36)}`)
    url.host = database.address
    try {
      for (const name of serviceNames)
        await deploy({ name, namespace, brokers: servers.brokers, databaseUrl: url.href })
      const places = { user: await placesOf(namespace, 'user'), order: await placesOf(namespace, 'order') }
      const cluster = new ShopCluster(namespace, database, places)
      for (const name of serviceNames) await cluster.rolledOut(name)
      return cluster
    } catch (cause) {
      const told = await namespace.tell()
      await namespace[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      throw new Error(`the services did not start:\n${told}`, { cause })
    }
  }

  /** Resolves when a rollout of a service has come to its end. */
  async rolledOut(name: ServiceName): Promise<void> {
    await this.namespace.run(['rollout', 'status', `deployment/${name}`, `--timeout=${stepTimeoutMs / 1_000}s`])
  }

  /** Replaces all pods of a service, as a new version does. */
  async roll(name: ServiceName): Promise<void> {
    await this.namespace.run(['rollout', 'restart', `deployment/${name}`])
    await this.rolledOut(name)
    await this.settled(name)
  }

  /** Deletes a pod, as a node does that is emptied, and resolves when another has taken its place. */
  async deleteOne(name: ServiceName, turn: number): Promise<void> {
    const pods = await this.settled(name)
    const pod = pods[turn % pods.length]
    if (pod === undefined) throw new Error(`${name} has no pod`)
    await this.namespace.run(['delete', 'pod', pod.metadata.name, '--wait=true'])
    await this.settled(name)
  }

  pods(name: ServiceName): Promise<readonly Pod[]> {
    return this.namespace.list<Pod>(['pods', '-l', `app.kubernetes.io/name=${name}`])
  }

  /** Resolves when a service has as many pods as it should have, all ready, and none that is ending. */
  async settled(name: ServiceName, count?: number): Promise<readonly Pod[]> {
    return eventually(
      async () => {
        const wanted = count ?? Number(await this.namespace.read(`deployment/${name}`, '.spec.replicas'))
        const pods = await this.pods(name)
        if (pods.length !== wanted || !pods.every(isReady))
          throw new Error(`${name} has ${pods.filter(isReady).length} ready of ${pods.length} pods, not ${wanted}`)
        return pods
      },
      { timeoutMs: stepTimeoutMs },
    )
  }

  /** Addresses of the pods that callers of a service are led to. */
  async endpoints(name: ServiceName): Promise<readonly string[]> {
    interface Slice {
      readonly endpoints:
        | readonly { readonly addresses: readonly string[]; readonly conditions: { readonly ready: boolean } }[]
        | null
    }
    const slices = await this.namespace.list<Slice>(['endpointslices', '-l', `kubernetes.io/service-name=${name}`])
    const endpoints = slices.flatMap((slice) => slice.endpoints ?? [])
    return endpoints.filter(({ conditions }) => conditions.ready).flatMap(({ addresses }) => addresses)
  }

  /** Whom the network policy of a service lets its pods connect to, but for DNS: `address:port`, or the label of pods in the place of the address. */
  async declaredPeers(name: ServiceName): Promise<ReadonlySet<string>> {
    const policy = JSON.parse(await this.namespace.run(['get', 'networkpolicy', name, '-o', 'json'])) as Policy
    const peers = policy.spec.egress.flatMap(({ to = [{}], ports = [{}] }) =>
      to.flatMap(({ ipBlock, podSelector }) =>
        ports.map(({ port = 'any port' }) => {
          const address = ipBlock?.cidr.replace(/\/32$/, '') ?? podSelector?.matchLabels?.['app.kubernetes.io/name']
          return { port, text: `${address ?? 'anybody'}:${port}` }
        }),
      ),
    )
    return new Set(peers.filter(({ port }) => port !== 53).map(({ text }) => text))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.namespace[Symbol.asyncDispose]()
    await this.database[Symbol.asyncDispose]()
  }
}

/** A NetworkPolicy, as far as the tests look into it. */
interface Policy {
  readonly spec: {
    readonly egress: readonly {
      readonly to?: readonly {
        readonly ipBlock?: { readonly cidr: string }
        readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> }
      }[]
      readonly ports?: readonly { readonly port?: number }[]
    }[]
  }
}

interface Deployed {
  readonly name: ServiceName
  readonly namespace: Namespace
  readonly brokers: string
  readonly databaseUrl: string
}

/** As a user does it: generate, say what the settings are, generate again, make the secret, apply. */
async function deploy({ name, namespace, brokers, databaseUrl }: Deployed): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-test-'))
  const overlay = join(folder, 'overlays/test')
  const generate = () =>
    tenon([
      'generate',
      'kubernetes',
      `examples/user-order/${name}/src/service.ts`,
      '--out',
      folder,
      '--image',
      images[name],
      '--overlay',
      'test',
      '--overwrite',
    ])
  await mkdir(overlay, { recursive: true })
  const settings = [`KAFKA_BROKERS=${brokers}`, ...(name === 'order' ? ['USER_ADDRESS=static:///user:50051'] : [])]
  await writeFile(join(overlay, 'config.env'), `${settings.join('\n')}\n`)
  await writeFile(join(overlay, 'secret.env.example'), `DATABASE_URL=${databaseUrl}\n`)
  await generate()
  await namespace.run(['create', 'secret', 'generic', `${name}-secret`, `--from-literal=DATABASE_URL=${databaseUrl}`])
  await namespace.run(['apply', '-k', overlay])
  await rm(folder, { recursive: true })
}

async function placesOf(namespace: Namespace, name: ServiceName): Promise<ServicePlaces> {
  const service = `service/${name}`
  const address = await namespace.read(service, '.spec.clusterIP')
  const place = async (port: string) =>
    `${address}:${await namespace.read(service, `.spec.ports[?(@.name=="${port}")].port`)}`
  return { http: await place('http'), grpc: await place('grpc') }
}
