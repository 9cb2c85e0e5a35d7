export type DriverName = 'sqlite' | 'kafkajs' | 'platformatic' | 'platformatic, KIP-848'

/** Which broker a process connects to. */
export interface BrokerPlace {
  readonly driver: DriverName
  /** The file, or the brokers separated by commas. */
  readonly target: string
  readonly sessionTimeoutMs: number
}

/** What a member in a process of its own is told. */
export interface Instance {
  readonly member: string
  readonly journalPath: string
  readonly topic: string
  readonly group: string
  readonly broker: BrokerPlace
  /** How much of a partition it may have handled and not committed. */
  readonly maxUncommittedCount: number
  /** A mistake that it makes, to see it found. @defaultValue none */
  readonly plant?: InstancePlant | undefined
}

export type InstancePlant =
  /** It takes commits for stored that are stored much later. */
  | 'late_commits'
  /** It takes over a partition without knowing of which keys messages are set aside. */
  | 'dropped_fence'
  /** It handles what follows a message that is set aside before that one. */
  | 'follower_first'
  /** It sets messages aside in a partition that is not theirs. */
  | 'parked_elsewhere'

export function toEnvironment(instance: Instance): Readonly<Record<string, string>> {
  return { [name]: JSON.stringify(instance) }
}

/** @throws Error when the process was not started by a test */
export function readInstance(environment: Readonly<Record<string, string | undefined>>): Instance {
  const text = environment[name]
  if (text === undefined) throw new Error(`expected ${name} to say what to consume`)
  return JSON.parse(text)
}

/** How often a member of a group in processes handles a message that fails. */
export const maxAttemptCount = 3

const name = 'QUEUE_INSTANCE'
