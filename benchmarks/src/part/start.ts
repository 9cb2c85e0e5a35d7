import { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import { pairedRounds, spreadOf } from '../statistic.ts'

const bytesPerMb = 1_000_000

/** From spawning a process to serving, and its memory then: hello on all three transports against hello on Fastify. */
export async function measureStart(roundCount: number): Promise<readonly Figure[]> {
  const rounds = await pairedRounds(roundCount, {
    ours: () => start('dist/server/tenon-hello'),
    theirs: () => start('dist/server/fastify-hello'),
  })
  const each = (pick: (round: (typeof rounds)[number]) => number) => spreadOf(rounds.map(pick))
  return [
    { name: 'start of hello, three transports', unit: 'ms', spread: each(({ ours }) => ours.startMs), target: 350 },
    { name: 'start of hello on Fastify', unit: 'ms', spread: each(({ theirs }) => theirs.startMs) },
    { name: 'RSS of hello, three transports', unit: 'MB', spread: each(({ ours }) => ours.rssMb) },
    { name: 'RSS of hello on Fastify', unit: 'MB', spread: each(({ theirs }) => theirs.rssMb) },
  ]
}

async function start(program: string): Promise<{ readonly startMs: number; readonly rssMb: number }> {
  await using child = await Child.start(program)
  const { rssBytes } = await child.usage()
  return { startMs: child.startMs, rssMb: rssBytes / bytesPerMb }
}
