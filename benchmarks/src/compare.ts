import { Child } from './child.ts'
import type { Figure } from './report.ts'
import { pairedRounds, spreadOf } from './statistic.ts'

/** One kind of request to both servers. */
export interface Workload {
  readonly name: string
  readonly target: number
  readonly count: number
  send(port: number, count: number): Promise<void>
}

export interface Comparison {
  readonly ours: string
  readonly theirs: string
  readonly theirName: string
  readonly roundCount: number
  readonly workload: Workload
}

/** CPU per request of two servers, in fresh processes every round. */
export async function compareServers({
  ours,
  theirs,
  theirName,
  roundCount,
  workload,
}: Comparison): Promise<readonly Figure[]> {
  const rounds = await pairedRounds(roundCount, {
    ours: () => measure(ours, workload),
    theirs: () => measure(theirs, workload),
  })
  const each = (pick: (round: (typeof rounds)[number]) => number) => spreadOf(rounds.map(pick))
  return [
    {
      name: `${workload.name}: CPU, Tenon / ${theirName}`,
      unit: '×',
      spread: each(({ ours: a, theirs: b }) => a.cpu / b.cpu),
      target: workload.target,
    },
    { name: `${workload.name}: Tenon`, unit: 'µs CPU/request', spread: each(({ ours: { cpu } }) => cpu) },
    { name: `${workload.name}: ${theirName}`, unit: 'µs CPU/request', spread: each(({ theirs: { cpu } }) => cpu) },
    { name: `${workload.name}: Tenon`, unit: 'requests/s', spread: each(({ ours: { perSecond } }) => perSecond) },
    {
      name: `${workload.name}: ${theirName}`,
      unit: 'requests/s',
      spread: each(({ theirs: { perSecond } }) => perSecond),
    },
  ]
}

async function measure(
  program: string,
  { send, count }: Workload,
): Promise<{ readonly cpu: number; readonly perSecond: number }> {
  await using server = await Child.start(program)
  await send(server.port, count)
  const before = await server.usage()
  const startedAt = performance.now()
  await send(server.port, count)
  const seconds = (performance.now() - startedAt) / 1000
  const after = await server.usage()
  return { cpu: (after.cpuMicroseconds - before.cpuMicroseconds) / count, perSecond: count / seconds }
}
