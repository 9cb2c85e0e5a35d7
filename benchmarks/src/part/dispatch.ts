import { Session } from 'node:inspector/promises'
import { setImmediate } from 'node:timers/promises'
import { defineService, type Interceptor, type ServiceOptions } from '@tenon/core'
import type { Arrival, OperationEndpoint, Transport } from '@tenon/core/transport'
import type { Figure } from '../figure.ts'
import { shop, shopHandler } from '../server/shop.ts'
import { findUser } from '../server/shop-work.ts'
import { spreadOf } from '../statistic.ts'

const callCount = 200_000
/** Some tenths of a millisecond. */
const callsOfTurn = 100
const interceptorCount = 4

/** What the dispatcher adds to calling the handler itself, and what each interceptor adds to that. */
export async function measureDispatch(roundCount: number): Promise<readonly Figure[]> {
  await using bare = await startShop([])
  await using guarded = await startShop([], { overload: {} })
  await using intercepted = await startShop(Array.from({ length: interceptorCount }, () => passThrough()))
  const own: number[] = []
  const control: number[] = []
  const perInterceptor: number[] = []
  for (let round = 0; round <= roundCount; round++) {
    const direct = await perCall(async () => handle(decode()))
    const dispatched = await perCall(bare.call)
    const around = await perCall(intercepted.call)
    const controlled = (await perCallInTurns(guarded.call)) - (await perCallInTurns(bare.call))
    // The first round warms up.
    if (round === 0) continue
    own.push(dispatched - direct)
    control.push(controlled)
    perInterceptor.push((around - dispatched) / interceptorCount)
  }
  const allocated = (await bytesPerCall(bare.call)) - (await bytesPerCall(async () => handle(decode())))
  return [
    { name: 'dispatcher, own time per unary call', unit: 'ns', spread: spreadOf(own), target: 1_500 },
    { name: 'dispatcher, overload control where nothing waits', unit: 'ns', spread: spreadOf(control), target: 500 },
    { name: 'dispatcher, each interceptor', unit: 'ns', spread: spreadOf(perInterceptor), target: 150 },
    { name: 'dispatcher, own allocation per unary call', unit: 'bytes', spread: spreadOf([allocated]) },
  ]
}

const metadata = {}
const decode = () => ({ userId: 'u42' })
const handle = async ({ userId }: { userId: string }) => findUser(userId)

function passThrough(): Interceptor {
  return (_call, next) => next()
}

/** A service whose `getUser` is called without any wire. */
export async function startShop(
  interceptors: readonly Interceptor[],
  { overload }: Pick<ServiceOptions, 'overload'> = {},
) {
  const endpoints: OperationEndpoint[] = []
  const service = defineService({
    name: 'shop',
    version: '1.0.0',
    admin: false,
    checkOutput: 'never',
    interceptors,
    ...(overload && { overload }),
    handlers: [shopHandler],
    transports: () => [collect(endpoints)],
  })
  const started = await service.start({ environment: { NODE_ENV: 'production', LOG_LEVEL: 'silent' } })
  const endpoint = endpoints.find(({ operation }) => operation.id === shop.getUser.id)
  if (endpoint === undefined) throw new Error('the service does not offer getUser')
  return {
    call: () => endpoint.dispatch({ transport: 'bench', metadata, decode }),
    dispatch: (told: Partial<Arrival>) => endpoint.dispatch({ transport: 'bench', metadata, decode, ...told }),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}

export async function perCall(call: () => Promise<unknown>): Promise<number> {
  const startedAt = process.hrtime.bigint()
  for (let index = 0; index < callCount; index++) await call()
  return Number(process.hrtime.bigint() - startedAt) / callCount
}

/** The same, with few enough calls in each turn of the event loop that none has to wait for the next one. */
async function perCallInTurns(call: () => Promise<unknown>): Promise<number> {
  const startedAt = process.hrtime.bigint()
  for (let index = 0; index < callCount; index++) {
    if (index % callsOfTurn === 0) await setImmediate()
    await call()
  }
  return Number(process.hrtime.bigint() - startedAt) / callCount
}

/** An estimate: V8 samples every 512 bytes or so, and counts what has been collected since. */
async function bytesPerCall(call: () => Promise<unknown>): Promise<number> {
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 512,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  for (let index = 0; index < callCount; index++) await call()
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  return totalSize(profile.head) / callCount
}

interface SampledNode {
  readonly selfSize: number
  readonly children: readonly SampledNode[]
}

function totalSize({ selfSize, children }: SampledNode): number {
  return children.reduce((sum, child) => sum + totalSize(child), selfSize)
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
