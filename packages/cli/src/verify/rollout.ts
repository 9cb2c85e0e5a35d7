import { dirname, extname, join } from 'node:path'
import type { InstanceTask, HandledMessage } from '../instance/instance-message.ts'
import { Balancer } from './balancer.ts'
import type { DrainTask } from './drain-task.ts'
import { startInstance } from './instance-process.ts'
import { type InstanceRecord, VerifiedInstance } from './verified-instance.ts'
import type { VerifiedService } from './verified-service.ts'

/** How long a process may take beyond the service's own deadline until it is killed, in milliseconds: a platform gives such time too. */
const graceMs = 3_000

/** The protocols that a balancer stands before. */
const protocols = ['http', 'grpc'] as const

/** What a rollout is made with. */
export interface RolloutParts {
  readonly task: DrainTask
  readonly childFile: string
  readonly idPrefix: string
  /** Told of every message that a handler came to an end with. */
  handled(message: HandledMessage): void
}

/** Where callers find a service, and whom they are led to. */
interface Surface {
  readonly balancer: Balancer
  readonly instances: Map<number, VerifiedInstance>
}

/** A service behind a balancer, whose instances are replaced one by one. */
export class Rollout implements AsyncDisposable {
  readonly service: VerifiedService
  readonly records: InstanceRecord[] = []
  readonly #parts: RolloutParts
  readonly #balancer: Balancer
  /** By their processes, those too that have ended: callers who were led to one may be refused only now. */
  readonly #instances: Map<number, VerifiedInstance>
  #remotes: InstanceTask['remotes'] = {}
  #current: VerifiedInstance | undefined

  private constructor(service: VerifiedService, parts: RolloutParts, { balancer, instances }: Surface) {
    this.service = service
    this.#parts = parts
    this.#balancer = balancer
    this.#instances = instances
  }

  /** Opens its addresses; no instance is there yet. */
  static async open(service: VerifiedService, parts: RolloutParts): Promise<Rollout> {
    const instances = new Map<number, VerifiedInstance>()
    const refused = (id: number, protocol: string) => instances.get(id)?.refused(protocol)
    const balancer = await Balancer.start(balancerFile(parts.childFile), protocols, refused)
    return new Rollout(service, parts, { balancer, instances })
  }

  get current(): VerifiedInstance | undefined {
    return this.#current
  }

  /** How long an instance still serves after its readiness has turned false, in milliseconds. */
  get delayMs(): number {
    return this.#parts.task.deregisterDelayMs ?? this.service.description.limits.deregisterDelayInKubernetesMs
  }

  /** Connections of callers whom the balancer could lead to nobody. */
  get unledCount(): number {
    return this.#balancer.unledCount
  }

  /** Where callers find it by a protocol; undefined when no instance listens for that. */
  addressOf(protocol: string): string | undefined {
    return this.#current?.process.at(protocol) && this.#balancer.addressOf(protocol)
  }

  /** Where others may call it, by contract and transport. */
  remotes(): InstanceTask['remotes'] {
    const contracts = new Set(this.service.operations.map(({ contract }) => contract))
    return Object.fromEntries(
      [...contracts].flatMap((contract) =>
        protocols.map(
          (protocol) => [`${contract} ${protocol}`, `static:///${this.#balancer.addressOf(protocol)}`] as const,
        ),
      ),
    )
  }

  /** Starts the first instance. @throws Error that says why it is not ready; DrainError when the balancer has ended */
  async begin(remotes: InstanceTask['remotes']): Promise<void> {
    this.#remotes = remotes
    this.#current = await this.#start()
  }

  /** As a rolling update does it: a new instance, and when that is ready the end of the old one. @throws Error as `begin` */
  async roll(): Promise<InstanceRecord | undefined> {
    const old = this.#current
    this.#current = await this.#start()
    return old && this.#stop(old)
  }

  /** Stops the last instance. @throws DrainError when the balancer has ended */
  async finish(): Promise<InstanceRecord | undefined> {
    const old = this.#current
    this.#current = undefined
    return old && this.#stop(old)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#instances.values(), (instance) => instance[Symbol.asyncDispose]()))
    await this.#balancer[Symbol.asyncDispose]()
  }

  async #start(): Promise<VerifiedInstance> {
    const { task, childFile, idPrefix, handled } = this.#parts
    const process = startInstance(childFile, this.#instanceTask(idPrefix), { handled })
    const instance = new VerifiedInstance(process, task.readiness, () => this.#leadSoon())
    this.#instances.set(process.pid, instance)
    await instance.untilReady(task.startTimeoutMs)
    await this.#lead()
    return instance
  }

  async #stop(instance: VerifiedInstance): Promise<InstanceRecord> {
    const record = await instance.stop(this.service.description.limits.shutdownTimeoutMs + graceMs)
    this.records.push(record)
    await this.#lead()
    return record
  }

  #instanceTask(idPrefix: string): InstanceTask {
    const { place } = this.service
    const deregisterDelayMs = this.delayMs
    return { kind: 'instance', ...place, deregisterDelayMs, remotes: this.#remotes, idPrefix, isJson: false }
  }

  /** A balancer that has ended is told of by the next start or stop. */
  #leadSoon(): void {
    this.#lead().catch(() => undefined)
  }

  #lead(): Promise<void> {
    return this.#balancer.lead([...this.#instances.values()].flatMap(({ backend }) => backend ?? []))
  }
}

/** Beside the file of the command's own processes, in the sources and in the package alike. */
function balancerFile(childFile: string): string {
  return join(dirname(childFile), `balancer-thread${extname(childFile)}`)
}
