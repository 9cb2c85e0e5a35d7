import { randomUUID } from 'node:crypto'
import { clientOf, defineService, hook, type RemotePolicy, remote } from '@tenon/core'
import type { Client, ClientChannel, ClientTransport } from '@tenon/core/client'
import { itemCount, users } from './fixture/user-contract.ts'

/** How a caller calls the user service. */
export interface CallerOptions {
  readonly via: ClientTransport
  readonly at: string
  readonly policy: RemotePolicy<typeof users>
}

/** A service that calls the user service, as far as its calls go. */
export interface UserCaller extends AsyncDisposable {
  /** Each makes a call and resolves when its answer is the right one. */
  readonly call: Readonly<Record<CallKind, () => Promise<void>>>
  /** How many attempts have begun at each address. */
  readonly attemptCounts: ReadonlyMap<string, number>
  /** Whom it has asked to be added. */
  readonly added: ReadonlySet<string>
}

/** `get` is safe, `rename` idempotent, `add` neither, and `watch` a safe output stream. */
export type CallKind = 'get' | 'rename' | 'add' | 'watch'

/** A stream that failed behind its first item: it cannot be begun again. */
export class CutStream extends Error {}

export async function startCaller({ via, at, policy }: CallerOptions): Promise<UserCaller> {
  const attemptCounts = new Map<string, number>()
  const added = new Set<string>()
  const found = Promise.withResolvers<Client<typeof users>>()
  const started = await defineService({
    name: 'order',
    version: '1.0.0',
    handlers: [],
    admin: false,
    remotes: () => [remote(users, { via: counted(via, attemptCounts), at, policy })],
    onStart: [hook('find the client', found.resolve, { needs: [clientOf(users)] })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const client = await found.promise
  const call = {
    get: () => answered((user) => client.getUser(user)),
    rename: () => answered((user) => client.renameUser(user)),
    add: () =>
      answered((user) => {
        added.add(user.userId)
        return client.addUser(user)
      }),
    watch: () => watched(client),
  }
  return { call, attemptCounts, added, [Symbol.asyncDispose]: async () => void (await started.stop()) }
}

interface User {
  readonly userId: string
}

async function answered(ask: (user: User) => Promise<User>): Promise<void> {
  const userId = randomUUID()
  const answer = await ask({ userId })
  if (answer.userId !== userId) throw new Error(`asked for ${userId}, and was answered ${answer.userId}`)
}

async function watched(client: Client<typeof users>): Promise<void> {
  const userId = randomUUID()
  let count = 0
  try {
    for await (const item of client.watchUser({ userId })) {
      if (item.userId !== userId || item.place !== count) throw new Error(`item ${count} was ${JSON.stringify(item)}`)
      count += 1
    }
  } catch (error) {
    if (count === 0) throw error
    throw new CutStream(`behind item ${count}`, { cause: error })
  }
  if (count !== itemCount) throw new Error(`a stream ended as complete after ${count} items`)
}

/** Counts the attempts at each address, whatever becomes of them. */
function counted(via: ClientTransport, counts: Map<string, number>): ClientTransport {
  return {
    ...via,
    open: (target) => {
      const channel = via.open(target)
      const count = () => counts.set(target.address, (counts.get(target.address) ?? 0) + 1)
      return {
        unary: (...given) => (count(), channel.unary(...given)),
        serverStream: (...given) => (count(), channel.serverStream(...given)),
        clientStream: (...given) => channel.clientStream(...given),
        bidiStream: (...given) => channel.bidiStream(...given),
        state: () => channel.state?.() ?? 'idle',
        close: () => channel.close(),
      } satisfies ClientChannel
    },
  }
}
