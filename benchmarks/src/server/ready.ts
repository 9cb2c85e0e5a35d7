import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Tells the measuring process that this program serves, and answers its questions. */
export function ready(port: number): void {
  process.on('message', (question) => {
    if (question === 'profile') return void startProfile()
    if (question === 'profiled') return void stopProfile?.()
    if (question === 'live') collectGarbage()
    const { user, system } = process.cpuUsage()
    const { rss: rssBytes, heapUsed, external } = process.memoryUsage()
    process.send?.({ cpuMicroseconds: user + system, rssBytes, liveBytes: heapUsed + external })
  })
  // Ends with the measuring process, however that ends.
  process.on('disconnect', () => process.exit())
  process.send?.({ port })
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

/** A guess: fine enough for single functions, and little of a core. */
const samplingIntervalMicroseconds = 250

/** There while the profiler runs. */
let stopProfile: (() => Promise<void>) | undefined

async function startProfile(): Promise<void> {
  // Loaded only here, so that no other measurement has it in memory.
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: samplingIntervalMicroseconds })
  await session.post('Profiler.start')
  stopProfile = async () => {
    const { profile } = await session.post('Profiler.stop')
    process.send?.(profile)
  }
  process.send?.('started')
}
