import { orderPlaced, users } from '@shop/contracts'
import { firstPlace, readPageToken, writePageToken } from '@shop/data'
import {
  type Call,
  Consumes,
  fault,
  Handles,
  Implements,
  type Input,
  inject,
  type Output,
  type Payload,
  type ServiceError,
} from '@tenon/core'
import { UserStore } from './user-store.ts'

@Handles(users)
export class UserHandler {
  readonly #store = inject(UserStore)

  @Implements(users.createUser)
  async createUser(input: Input<typeof users.createUser>): Promise<Output<typeof users.createUser>> {
    const user = await this.#store.create(input)
    if (user === undefined)
      throw fault(users.createUser, 'already_exists', 'the e-mail address belongs to another user')
    return user
  }

  @Implements(users.getUser)
  async getUser({ userId }: Input<typeof users.getUser>, { signal }: Call): Promise<Output<typeof users.getUser>> {
    const user = await this.#store.find(userId, signal)
    if (user === undefined) throw fault(users.getUser, 'not_found', `user ${userId} does not exist`)
    return user
  }

  @Implements(users.listUsers)
  async listUsers(
    { pageSize = 20, pageToken }: Input<typeof users.listUsers>,
    { signal }: Call,
  ): Promise<Output<typeof users.listUsers>> {
    const after = pageToken === undefined ? firstPlace : readPageToken(pageToken)
    if (after === undefined) throw malformedPageToken()
    const { users: page, next } = await this.#store.list(pageSize, after, signal)
    return { users: page, ...(next ? { nextPageToken: writePageToken(next) } : {}) }
  }

  @Implements(users.watchUsers)
  watchUsers(_input: Input<typeof users.watchUsers>, call: Call): AsyncIterable<Output<typeof users.watchUsers>> {
    // A watch has no end of its own: when this instance drains it ends, and its reader turns to another one.
    return this.#store.changes(AbortSignal.any([call.signal, call.draining]))
  }

  @Consumes(orderPlaced)
  async onOrderPlaced({ orderId, userId }: Payload<typeof orderPlaced>): Promise<void> {
    await this.#store.countOrder(orderId, userId)
  }
}

function malformedPageToken(): ServiceError {
  const message = 'must be the nextPageToken of another page'
  return fault(users.listUsers, 'invalid_argument', {
    message: `/pageToken ${message}`,
    details: { violations: [{ field: '/pageToken', message, rule: 'custom' }] },
  })
}
