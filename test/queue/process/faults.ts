import type { KafkaCluster } from './kafka-cluster.ts'
import type { GroupMember, ProcessGroup } from './process-group.ts'

/** What goes wrong in a run, and around what. */
export interface FaultScene {
  readonly group: ProcessGroup
  readonly cluster: KafkaCluster
  /** A number from 0 to 1. */
  readonly random: () => number
}

export interface Fault {
  readonly name: string
  run(scene: FaultScene): Promise<void>
}

/** Longer than a group waits for a member. */
export const sessionTimeoutMs = 3_000

export const faults: readonly Fault[] = [
  {
    name: 'a consumer is killed',
    run: async ({ group, random }) => {
      await group.kill(anyOf(group, random))
      await group.handled(50)
      await group.add()
    },
  },
  {
    name: 'a consumer stands still for longer than its session, and goes on',
    run: async ({ group, random }) => {
      const { process, name } = anyOf(group, random)
      process.child.kill('SIGSTOP')
      await group.othersOwn(name)
      process.child.kill('SIGCONT')
      await group.ownsAgain(name)
    },
  },
  {
    name: 'all brokers restart',
    run: async ({ group, cluster }) => {
      for (const broker of [3, 2, 1]) await cluster.stop(broker, 'kill')
      for (const broker of [1, 2, 3]) await cluster.start(broker)
      await group.handled(50)
    },
  },
  {
    name: 'one of three brokers is killed, and comes back',
    run: async ({ group, cluster, random }) => {
      const broker = random() < 0.5 ? 2 : 3
      await cluster.stop(broker, 'kill')
      await group.handled(50)
      await cluster.start(broker)
      await group.handled(50)
    },
  },
]

function anyOf({ members }: ProcessGroup, random: () => number): GroupMember {
  const member = members[Math.floor(random() * members.length)]
  if (member === undefined) throw new Error('the group has no member')
  return member
}
