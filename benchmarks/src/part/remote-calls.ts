import { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import type { CallAnswer, CallQuestion } from '../server/tenon-caller.ts'
import type { InstancePorts } from '../server/tenon-instances.ts'
import { spreadOf } from '../statistic.ts'

/** Calls of each client in a round. */
const callCount = 5_000
const warmUpCount = 10_000
/** The core of those that answer is another one. */
const core = 1

/** What a call to one of ten instances of a registry costs with retries, budget and breakers, above the bare client: CPU of the caller. */
export async function measureRemoteCalls(roundCount: number): Promise<readonly Figure[]> {
  await using instances = await Child.start('dist/server/tenon-instances')
  const ports = await instances.ask<InstancePorts>({})
  return [...(await measureOver('http', ports, roundCount)), ...(await measureOver('grpc', ports, roundCount))]
}

async function measureOver(
  protocol: keyof InstancePorts,
  ports: InstancePorts,
  roundCount: number,
): Promise<readonly Figure[]> {
  const environment = { BENCH_PROTOCOL: protocol, BENCH_PORTS: ports[protocol].join(',') }
  await using caller = await Child.start('dist/server/tenon-caller', { environment, core })
  const calls = (question: CallQuestion) => caller.ask<CallAnswer>(question)
  await calls({ callCount: warmUpCount })
  const rounds: CallAnswer[] = []
  while (rounds.length < roundCount) rounds.push(await calls({ callCount }))
  const line = (name: string, valueOf: (round: CallAnswer) => number): Figure => ({
    name: `a call over ${protocol === 'http' ? 'HTTP' : 'gRPC'}${name}`,
    unit: 'µs CPU',
    spread: spreadOf(rounds.map(valueOf)),
  })
  return [
    {
      ...line(
        ' with registry, P2C, breakers and budget, above the bare client',
        ({ aboveMicroseconds }) => aboveMicroseconds,
      ),
      target: 5,
    },
    line(', bare client', ({ bareMicroseconds }) => bareMicroseconds),
  ]
}
