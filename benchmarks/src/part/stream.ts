import { Child } from '../child.ts'
import { type ReadStream, readGrpcStream, readHttpStream } from '../load/stream-load.ts'
import type { Figure } from '../figure.ts'
import { spreadOf } from '../statistic.ts'

const itemCount = 1_000_000
/** By then buffers and compilers have what they need. A guess. */
const earlyCount = itemCount / 5
const bytesPerMb = 1_000_000

/** Memory of a server while it sends a long stream to one reader, and the CPU each item costs. */
export async function measureStream(roundCount: number): Promise<readonly Figure[]> {
  const [http, grpc] = [
    await measure('dist/server/stream-http', readHttpStream, roundCount),
    await measure('dist/server/stream-grpc', readGrpcStream, roundCount),
  ]
  return [
    ...http.map((figure) => ({ ...figure, name: `HTTP stream of 1,000,000 items: ${figure.name}` })),
    ...grpc.map((figure) => ({ ...figure, name: `gRPC stream of 1,000,000 items: ${figure.name}` })),
  ]
}

async function measure(program: string, read: ReadStream, roundCount: number): Promise<readonly Figure[]> {
  const growth: number[] = []
  const cpu: number[] = []
  while (growth.length < roundCount) {
    const round = await readOnce(program, read)
    growth.push(round.growthMb)
    cpu.push(round.cpuMicroseconds)
  }
  return [
    { name: 'live memory at the end above that after a fifth', unit: 'MB', spread: spreadOf(growth), target: 5 },
    { name: 'Tenon', unit: 'µs CPU/item', spread: spreadOf(cpu) },
  ]
}

async function readOnce(program: string, read: ReadStream) {
  await using child = await Child.start(program)
  const before = await child.usage()
  const live: number[] = []
  let count = 0
  for await (const _ of read(child.port, itemCount)) {
    count += 1
    if (count === earlyCount || count === itemCount - 1) live.push((await child.usage('live')).liveBytes)
  }
  if (count !== itemCount) throw new Error(`expected ${itemCount} items, found ${count}`)
  const after = await child.usage()
  return {
    growthMb: ((live[1] ?? 0) - (live[0] ?? 0)) / bytesPerMb,
    cpuMicroseconds: (after.cpuMicroseconds - before.cpuMicroseconds) / itemCount,
  }
}
