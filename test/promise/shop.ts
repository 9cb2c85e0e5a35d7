import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { orders, users } from '@shop/contracts'
import { service as orderService } from '@shop/order-service'
import { service as userService } from '@shop/user-service'
import type { StartedService } from '@tenon/core'
import { buildClient, type Client } from '@tenon/core/client'
import { type Contract, contractInfo } from '@tenon/core/contract'
import { grpcClient } from '@tenon/transport-grpc'

/** One of the example services, and how to reach it. */
export interface RunningShopService {
  readonly started: StartedService
  /** `http://127.0.0.1:12345` */
  readonly http: string
  readonly admin: string
  /** `127.0.0.1:12345` */
  readonly grpc: string
}

/** Both example services in this process: memory broker, databases in memory, free ports. */
export interface Shop extends AsyncDisposable {
  readonly user: RunningShopService
  readonly order: RunningShopService
  readonly users: Client<typeof users>
  readonly orders: Client<typeof orders>
}

export async function startShop(): Promise<Shop> {
  const environment = { ...freePorts, DATA_DIR: ':memory:', LOG_LEVEL: 'silent' }
  const user = reach(await userService.start({ environment }))
  const order = reach(
    await orderService.start({ environment: { ...environment, USER_ADDRESS: `static:///${user.grpc}` } }),
  )
  const channels = [openChannel(users, user.grpc), openChannel(orders, order.grpc)] as const
  return {
    user,
    order,
    users: buildClient(users, channels[0]),
    orders: buildClient(orders, channels[1]),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(channels.map((channel) => channel.close()))
      await Promise.all([order, user].map(({ started }) => started.stop()))
    },
  }
}

/** Lets both services listen wherever there is room. */
export const freePorts: Readonly<Record<string, string>> = Object.fromEntries(
  ['USER', 'ORDER'].flatMap((service) => ['HTTP', 'GRPC', 'ADMIN'].map((name) => [`${service}_${name}_PORT`, '0'])),
)

/** Nothing but what the repository brings, whatever the test itself was told of real servers: those are shared with other tests. */
export const embedded: Readonly<Record<string, string>> = {
  KAFKA_BROKERS: '',
  DATABASE_URL: '',
  QUEUE_FILE: '',
  OTEL_EXPORTER_OTLP_ENDPOINT: '',
}

/** A port that was free a moment ago: the order service must know that of the user service before both start. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A gRPC channel to a service, for a contract that need not be the service's own. */
export function openChannel(contract: Contract, address: string) {
  return grpcClient().open({ contract: contractInfo(contract), address })
}

function reach(started: StartedService): RunningShopService {
  const at = (protocol: string) => {
    const { host, port } = started.addresses.find((address) => address.protocol === protocol) ?? {}
    return `${host}:${port}`
  }
  return { started, http: `http://${at('http')}`, admin: `http://${at('admin')}`, grpc: at('grpc') }
}
