import { get } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

// A process of its own, as the kubelet is one: what makes the load must not delay who asks.
process.once('message', (task) => {
  const { places, durationMs } = task as ProbeTask
  void Promise.all(places.map((place) => probeEvery(place, durationMs))).then((latencies) => process.send?.(latencies))
})
process.once('disconnect', () => process.exit())

/** Where to ask, and for how long. */
export interface ProbeTask {
  readonly places: readonly ProbePlace[]
  readonly durationMs: number
}

export interface ProbePlace {
  readonly port: number
  readonly path: string
}

/** What is not answered at all, or not with 200, is later than any target; JSON has no infinity. */
export type ProbeLatencies = readonly (readonly (number | 'never')[])[]

/** More often than any platform; seldom enough to be no load of its own. */
const probeIntervalMs = 200

/** Asks at an interval, whatever becomes of those before, each time on a connection of its own. */
async function probeEvery(place: ProbePlace, durationMs: number): Promise<readonly (number | 'never')[]> {
  const startedAt = performance.now()
  const latencies: Promise<number | 'never'>[] = []
  while (performance.now() - startedAt < durationMs) {
    latencies.push(latencyOf(place))
    await wait(probeIntervalMs)
  }
  return Promise.all(latencies)
}

function latencyOf({ port, path }: ProbePlace): Promise<number | 'never'> {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode === 200 ? performance.now() - startedAt : 'never'))
    })
    asked.once('error', () => resolve('never'))
  })
}
