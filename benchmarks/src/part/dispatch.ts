import { defineService } from '@tenon/core'
import type { OperationEndpoint, Transport } from '@tenon/core/transport'
import type { Figure } from '../report.ts'
import { findUser, shop, shopHandler } from '../server/shop.ts'
import { spreadOf } from '../statistic.ts'

const callCount = 200_000

/** What the dispatcher adds to calling the handler itself. */
export async function measureDispatch(roundCount: number): Promise<readonly Figure[]> {
  const endpoints: OperationEndpoint[] = []
  const service = defineService({
    name: 'shop',
    version: '1.0.0',
    admin: false,
    checkOutput: 'never',
    handlers: [shopHandler],
    transports: () => [collect(endpoints)],
  })
  await using _started = await service.start({ environment: { NODE_ENV: 'production', LOG_LEVEL: 'silent' } })
  const endpoint = endpoints.find(({ operation }) => operation.id === shop.getUser.id)
  if (endpoint === undefined) throw new Error('the service does not offer getUser')
  const nanoseconds: number[] = []
  for (let round = 0; round <= roundCount; round++) {
    const direct = await perCall(async () => handle(decode()))
    const dispatched = await perCall(() => endpoint.dispatch({ transport: 'bench', metadata, decode }))
    // The first round warms up.
    if (round > 0) nanoseconds.push(dispatched - direct)
  }
  return [{ name: 'dispatcher, own time per unary call', unit: 'ns', spread: spreadOf(nanoseconds), target: 1_500 }]
}

const metadata = {}
const decode = () => ({ userId: 'u42' })
const handle = async ({ userId }: { userId: string }) => findUser(userId)

async function perCall(call: () => Promise<unknown>): Promise<number> {
  const startedAt = process.hrtime.bigint()
  for (let index = 0; index < callCount; index++) await call()
  return Number(process.hrtime.bigint() - startedAt) / callCount
}

/** A transport that only hands over its endpoints. */
function collect(endpoints: OperationEndpoint[]): Transport {
  return {
    name: 'bench',
    carries: () => true,
    bind: ({ operations }) => {
      endpoints.push(...operations)
      return {
        listen: async () => [],
        withdraw: () => undefined,
        drain: async () => undefined,
        close: async () => undefined,
      }
    },
  }
}
