import { mkdirSync, writeFileSync } from 'node:fs'
import { Child, stayAwake } from '../child.ts'
import { type Program, send, type Workload } from '../compare.ts'
import { getById, validatedPost } from '../load/http-request.ts'
import { largeLoad, smallLoad, streamLoad, tenonGrpc } from '../part/grpc.ts'
import { tenonHttp, toWorkload } from '../part/http.ts'
import { allocationsOf } from './allocation-profile.ts'
import { type SelfCost, sumBy } from './frame.ts'
import { timesOf } from './time-profile.ts'

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

/** Prints where a server's time and memory go under the load of a benchmark, and keeps the profile of time for Chrome's developer tools. */
export async function profile(name: ProfileName, { roundCount, path }: ProfileOptions): Promise<void> {
  using _awake = stayAwake()
  const { program, workload } = profiles[name]
  await using server = await Child.start(path ?? program.path)
  await send(workload, server.port, workload.count * warmUpCount)
  const count = workload.count * roundCount
  const title = `${workload.name}, ${path ?? program.path}`
  await profileChild(server, { name, title, what: 'request', count, load: () => send(workload, server.port, count) })
}

export interface ChildLoad {
  /** The name of the kept file. */
  readonly name: string
  readonly title: string
  /** What there is a number of: `request`. */
  readonly what: string
  readonly count: number
  /** All of it, from its beginning to its end. */
  load(): Promise<unknown>
}

/** Runs a load twice in a program that is warm: once for its time, once for its memory. */
export async function profileChild(child: Child, { name, title, what, count, load }: ChildLoad): Promise<void> {
  const time = await child.profile('time', load)
  mkdirSync(resultFolder, { recursive: true })
  writeFileSync(new URL(`${name}.cpuprofile`, resultFolder), JSON.stringify(time))
  console.log(`${title}: ${count} ${what}s, kept as result/${name}.cpuprofile`)
  print(timesOf(time), `µs/${what}`, count)
  print(allocationsOf(await child.profile('allocation', load)), `bytes/${what}`, count)
}

function print(costs: readonly SelfCost[], unit: string, count: number): void {
  const total = costs.reduce((sum, { cost }) => sum + cost, 0)
  const toRow = ([what, cost]: readonly [string, number]) => ({
    what,
    [unit]: shorten(cost / count),
    share: `${((100 * cost) / total).toFixed(1)} %`,
  })
  console.table([...sumBy(costs, ({ area }) => area), ['all of it', total] as const].map(toRow))
  console.table(
    sumBy(costs, ({ area, name }) => `${area} | ${name}`)
      .slice(0, printedCount)
      .map(toRow),
  )
}

function shorten(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
