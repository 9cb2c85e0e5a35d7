import { updateProto } from '@tenon/transport-grpc'
import { orders } from './order.ts'
import { users } from './user.ts'

for (const contract of [users, orders]) await updateProto(contract)
