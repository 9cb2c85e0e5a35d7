import { contract, stream } from '@tenon/core/contract'
import { type Static, Type } from '@tenon/core/typebox'
import { nextPageToken, pageFields } from './page.ts'
import { visibleText } from './text.ts'

const UserId = Type.String({ format: 'uuid' })
const Name = Type.String({ maxLength: 200, pattern: visibleText })
const Email = Type.String({ format: 'email', maxLength: 254 })

export type User = Static<typeof User>
export const User = Type.Object(
  {
    userId: UserId,
    name: Name,
    email: Email,
    orderCount: Type.Integer({
      minimum: 0,
      maximum: 2_147_483_647,
      description: 'Orders the user has placed so far. Cancelling one does not take it back.',
    }),
  },
  { title: 'User' },
)

export const users = contract(
  'shop.user.v1.UserService',
  {
    createUser: {
      summary: 'Creates a user. An e-mail address belongs to one user; capitals make no other address of it.',
      input: Type.Object({ name: Name, email: Email }),
      output: User,
      errors: ['already_exists'],
      http: { route: 'POST /v1/users', status: 201 },
    },
    getUser: {
      summary: 'One user by id.',
      input: Type.Object({ userId: UserId }),
      output: User,
      errors: ['not_found'],
      http: 'GET /v1/users/:userId',
      timeoutMs: 5_000,
    },
    listUsers: {
      summary: 'All users, oldest first, page by page.',
      input: Type.Object(pageFields),
      output: Type.Object({ users: Type.Array(User), nextPageToken }),
      errors: ['invalid_argument'],
      http: 'GET /v1/users',
    },
    watchUsers: {
      summary: 'Every user that is created or changes from now on, as it happens.',
      input: Type.Object({}),
      output: stream(User),
      errors: ['resource_exhausted'],
      http: 'GET /v1/users:watch',
    },
  },
  // Keeps the field numbers of gRPC; `npm run proto -w @shop/contracts` brings it up to date.
  { proto: new URL('./user.proto', import.meta.url) },
)
