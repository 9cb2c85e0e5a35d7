import { Child } from '../child.ts'
import { measureServers, type Program, type Round, send, type Workload } from '../compare.ts'
import type { Figure } from '../figure.ts'
import { type CollectorState, openCollector } from '../load/collector.ts'
import { getById } from '../load/http-request.ts'
import { spreadOf } from '../statistic.ts'
import { toWorkload } from './http.ts'
import { measureRate, type Peers } from './peers.ts'

const troubles = ['hangs', 'refuses', 'is gone'] as const satisfies readonly CollectorState[]
const bytesPerMb = 1_000_000
/** Far more than queues and batches take. */
const spanCount = 100_000

/** What a service pays that sends all its spans, and metrics each second, to a Collector which does not take them, against one which does. */
export async function measureCollector(roundCount: number): Promise<readonly Figure[]> {
  await using collectors = new AsyncDisposableStack()
  const programOf = async (state: CollectorState): Promise<Program> => {
    const { endpoint } = collectors.use(await openCollector(state))
    return {
      name: `a Collector that ${state}`,
      path: 'dist/server/tenon-http-collector',
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
    }
  }
  const healthy = await programOf('takes all')
  const others: Program[] = []
  for (const state of troubles) others.push(await programOf(state))
  const workload = { ...toWorkload(getById), name: 'telemetry' }
  const peers: Peers = [healthy, ...others]
  const rounds = await measureServers({ ours: healthy, others, roundCount, workload })
  return [
    ...others.map(({ name }, index) => ({
      name: `telemetry: CPU, ${name} / one that takes all`,
      unit: '×',
      spread: spreadOf(rounds.map((round) => cpuIn(round, index + 1) / cpuIn(round, 0))),
      target: 1.1,
    })),
    ...peers.map(({ name }, index) => ({
      name: `telemetry: ${name}`,
      unit: 'µs CPU/request',
      spread: spreadOf(rounds.map((round) => cpuIn(round, index))),
    })),
    ...(await measureRate(peers, workload, roundCount)),
    ...(await measureMemory(peers, workload)),
  ]
}

function cpuIn(round: Round, program: number): number {
  return round[program]?.cpuMicroseconds ?? Number.NaN
}

/** What is in use, garbage collected, after ever more spans than queues hold. */
async function measureMemory(peers: Peers, workload: Workload): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { name, path, environment } of peers) {
    await using server = await Child.start(path, { ...(environment && { environment }) })
    const liveMb = async () => {
      await send(workload, server.port, spanCount)
      return (await server.usage('live')).liveBytes / bytesPerMb
    }
    const first = await liveMb()
    const more = (await liveMb()) - first
    figures.push({ name: `telemetry: ${name}, after ${spanCount} spans`, unit: 'MB live', spread: spreadOf([first]) })
    figures.push({
      name: `telemetry: ${name}, after as many again`,
      unit: 'MB live more',
      spread: spreadOf([more]),
      // A full queue and a batch of spans that were taken in between: some 5 MB.
      target: 10,
    })
  }
  return figures
}
