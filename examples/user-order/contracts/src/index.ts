export { about } from './about.ts'
export { Order, OrderItem, orderCancelled, orderPlaced, orders } from './order.ts'
export { User, users } from './user.ts'
