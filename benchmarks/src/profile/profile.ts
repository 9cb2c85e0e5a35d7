import { mkdirSync, writeFileSync } from 'node:fs'
import { Child, stayAwake } from '../child.ts'
import { type Program, send, type Workload } from '../compare.ts'
import { getById, validatedPost } from '../load/http-request.ts'
import { largeLoad, smallLoad, streamLoad, tenonGrpc } from '../part/grpc.ts'
import { tenonHttp, toWorkload } from '../part/http.ts'
import { selfTimesOf, sumBy } from './cpu-profile.ts'

const resultFolder = new URL('../../result/', import.meta.url)

/** What can be profiled, by the name it is asked for with. */
const profiles = {
  grpc: { program: tenonGrpc, workload: smallLoad },
  'grpc-large': { program: tenonGrpc, workload: largeLoad },
  'grpc-stream': { program: tenonGrpc, workload: streamLoad },
  'http-get': { program: tenonHttp, workload: toWorkload(getById) },
  'http-post': { program: tenonHttp, workload: toWorkload(validatedPost) },
} as const satisfies Readonly<Record<string, { readonly program: Program; readonly workload: Workload }>>

export type ProfileName = keyof typeof profiles

export const profileNames = Object.keys(profiles)

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(profiles, name)
}

export interface ProfileOptions {
  /** Rounds' worth of requests under the profiler. */
  readonly roundCount: number
  /** Another program's compiled file, to see what it does with the same load: `dist/server/direct-grpc`. */
  readonly path?: string
}

/** Requests before the profiler starts, in rounds. */
const warmUpCount = 3
const printedCount = 30

/** Prints where a server's time goes under the load of a benchmark, and keeps the profile for Chrome's developer tools. */
export async function profile(name: ProfileName, { roundCount, path }: ProfileOptions): Promise<void> {
  using _awake = stayAwake()
  const { program, workload } = profiles[name]
  await using server = await Child.start(path ?? program.path)
  await send(workload, server.port, workload.count * warmUpCount)
  const requestCount = workload.count * roundCount
  const found = await server.profile(() => send(workload, server.port, requestCount))
  mkdirSync(resultFolder, { recursive: true })
  writeFileSync(new URL(`${name}.cpuprofile`, resultFolder), JSON.stringify(found))
  const times = selfTimesOf(found)
  const totalMicroseconds = times.reduce((sum, { microseconds }) => sum + microseconds, 0)
  const toRow = ([what, microseconds]: readonly [string, number]) => ({
    what,
    'µs/request': (microseconds / requestCount).toFixed(2),
    share: `${((100 * microseconds) / totalMicroseconds).toFixed(1)} %`,
  })
  console.log(`${workload.name}, ${path ?? program.path}: ${requestCount} requests, kept as result/${name}.cpuprofile`)
  console.table(sumBy(times, ({ area }) => area).map(toRow))
  console.table(
    sumBy(times, (time) => `${time.area} | ${time.name}`)
      .slice(0, printedCount)
      .map(toRow),
  )
}
