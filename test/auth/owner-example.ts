import { defineHandler, ServiceError, type Principal } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import Type from 'typebox'

export const orders = contract('shop.v1.OrderService', {
  listOrders: {
    input: Type.Object({ userId: Type.String() }),
    output: Type.Array(Type.String()),
    http: 'GET /v1/users/:userId/orders',
  },
  cancelOrder: {
    input: Type.Object({ orderId: Type.String() }),
    output: Type.Object({}),
    errors: ['not_found', 'permission_denied'],
    http: 'POST /v1/orders/:orderId:cancel',
  },
})

const owns = (principal: Principal | undefined, { userId }: { readonly userId: string }) => principal?.id === userId
const owners = new Map([['order-1', 'ada']])

export const orderHandler = defineHandler(
  orders,
  () => ({
    listOrders: async ({ userId }) => [...owners].flatMap(([order, owner]) => (owner === userId ? [order] : [])),
    cancelOrder: async ({ orderId }, { principal }) => {
      const owner = owners.get(orderId)
      if (owner === undefined) throw new ServiceError('not_found', 'there is no such order')
      if (owner !== principal?.id) throw new ServiceError('permission_denied', 'the caller may not do this')
      owners.delete(orderId)
      return {}
    },
  }),
  { operations: { listOrders: { policy: owns } } },
)
