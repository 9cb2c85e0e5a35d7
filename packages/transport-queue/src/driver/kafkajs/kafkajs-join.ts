import type { Broker, Cluster } from 'kafkajs'
import { cutDisconnectTimeoutMs, type Kafkajs, type KafkajsClient } from './kafkajs-client.ts'
import { openCluster } from './kafkajs-cluster.ts'
import { kafkaErrorType } from './kafkajs-mapping.ts'

export interface JoinSurroundings {
  /** Awaited each time before the consumer joins, the first time as well. */
  beforeJoin(): Promise<void>
  /** Whether joining is refused from now on. */
  isLeaving(): boolean
  /** Told of a member that the group came to know after that; gives the error that ends the join. */
  refuse(memberId: string): Error
}

/**
 * Stands before the joins of one kafkajs consumer. kafkajs joins again as soon as it hears of a rebalance, and tells nobody
 * before; the first thing it does then is to ask for the group's coordinator, so that is where it can be held. What it sends
 * to the coordinator shows by which name the group knows the member, which kafkajs tells only after the join.
 */
export class JoinGate {
  readonly #watched = new WeakSet<Broker>()
  #memberId: string | undefined
  #generationId: number | undefined
  #isJoining = false
  #forgotten = new AbortController()

  constructor(cluster: Cluster, surroundings: JoinSurroundings) {
    const find = cluster.findGroupCoordinator.bind(cluster)
    cluster.findGroupCoordinator = async (group) => {
      await surroundings.beforeJoin()
      if (surroundings.isLeaving()) throw new LeavingError()
      this.#isJoining = true
      const coordinator = await find(group)
      this.#watch(coordinator, surroundings)
      return coordinator
    }
  }

  /** The member's name while it joins: the group waits for it, or gives it partitions, until it is removed. */
  get joiningMemberId(): string | undefined {
    return this.#isJoining ? this.#memberId : undefined
  }

  /** Of the assignment that was asked for last; undefined before the first. */
  get generationId(): number | undefined {
    return this.#generationId
  }

  /** Fires when the coordinator says to a heartbeat that it does not know the member: others have its partitions. Another one after each join. */
  get forgotten(): AbortSignal {
    return this.#forgotten.signal
  }

  hasJoined(): void {
    this.#isJoining = false
    if (this.#forgotten.signal.aborted) this.#forgotten = new AbortController()
  }

  #watch(coordinator: Broker, { isLeaving, refuse }: JoinSurroundings): void {
    if (this.#watched.has(coordinator)) return
    this.#watched.add(coordinator)
    this.#watchHeartbeats(coordinator)
    watchRequests(coordinator, (fields) => {
      if (fields.groupProtocols !== undefined && fields.memberId) {
        this.#memberId = fields.memberId
        if (isLeaving()) throw refuse(fields.memberId)
      }
      if (fields.groupAssignment !== undefined) this.#generationId = fields.generationId
    })
  }

  /** What kafkajs makes of a heartbeat's answer it tells nobody. */
  #watchHeartbeats(coordinator: Broker & Beatable): void {
    const beat = coordinator.heartbeat?.bind(coordinator)
    if (beat === undefined) return
    coordinator.heartbeat = async (member) => {
      try {
        return await beat(member)
      } catch (error) {
        if (kafkaErrorType(error) === 'UNKNOWN_MEMBER_ID') this.#forgotten.abort()
        throw error
      }
    }
  }
}

/** Not in kafkajs's types. */
interface Beatable {
  heartbeat?(member: object): Promise<unknown>
}

/** Looks at all that is sent to a broker, over whichever connection: kafkajs sets anew with each how its requests are made. */
function watchRequests(broker: object, look: (fields: RequestFields) => void): void {
  const watching =
    (lookup: LookUp): LookUp =>
    (...definition) => {
      const toRequest = lookup(...definition)
      return (fields) => {
        look(fields)
        return toRequest(fields)
      }
    }
  let watched = watching(Reflect.get(broker, 'lookupRequest') as LookUp)
  Object.defineProperty(broker, 'lookupRequest', {
    get: () => watched,
    set: (lookup: LookUp) => {
      watched = watching(lookup)
    },
  })
}

/** Finds the form of a request that a broker knows. */
type LookUp = (...definition: readonly unknown[]) => (fields: RequestFields) => unknown

/** What is read of the fields of a request; only a request to join has `groupProtocols`, only one for an assignment `groupAssignment`. */
interface RequestFields {
  readonly groupProtocols?: unknown
  readonly memberId?: string
  readonly groupAssignment?: unknown
  readonly generationId?: number
}

/** Ends a join; kafkajs takes it for a reason not to try again. */
export class LeavingError extends Error {
  readonly retriable = false

  constructor() {
    super('the member leaves the group')
  }
}

export interface GroupMember {
  readonly group: string
  readonly memberId: string
}

/**
 * Removes a member from its group over a connection of its own: the member's own waits until the join has ended. Without it
 * the group would count with the member until its session ends.
 */
export async function removeMember(
  library: Kafkajs,
  client: KafkajsClient,
  { group, memberId }: GroupMember,
): Promise<void> {
  const { connection, cluster } = openCluster(library, client, group)
  try {
    await connection.connect()
    const coordinator = await cluster.findGroupCoordinator({ groupId: group })
    await (coordinator as Broker & Leavable).leaveGroup({ groupId: group, memberId })
  } finally {
    void client.disconnect(connection, cutDisconnectTimeoutMs)
  }
}

/** Not in kafkajs's types. */
interface Leavable {
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
}
