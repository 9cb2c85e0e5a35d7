import { collectGarbage } from './live-bytes.ts'

/**
 * Tells the measuring process that this program serves, and answers its questions.
 *
 * @param adminPort Where its probes are, if somebody wants to know.
 */
export function ready(port: number, adminPort?: number): void {
  process.on('message', (question) => {
    // Somebody else's to answer.
    if (typeof question !== 'string') return
    if (question === 'profile time') return void startTimeProfile()
    if (question === 'profile allocation') return void startAllocationProfile()
    if (question === 'profiled') return void stopProfile?.()
    if (question === 'live') collectGarbage()
    const { user, system } = process.cpuUsage()
    const { rss: rssBytes, heapUsed, external } = process.memoryUsage()
    process.send?.({ cpuMicroseconds: user + system, rssBytes, liveBytes: heapUsed + external })
  })
  // Ends with the measuring process, however that ends.
  process.on('disconnect', () => process.exit())
  process.send?.({ port, adminPort })
}

/** A guess: fine enough for single functions, and little of a core. */
const samplingIntervalMicroseconds = 250

/** There while a profiler runs. */
let stopProfile: (() => Promise<void>) | undefined

async function startTimeProfile(): Promise<void> {
  const session = await connectInspector()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: samplingIntervalMicroseconds })
  await session.post('Profiler.start')
  stopProfile = async () => void process.send?.((await session.post('Profiler.stop')).profile)
  process.send?.('started')
}

/** Finer than V8's own interval of 32 KiB, so that what allocates little is seen too. */
const samplingIntervalBytes = 2_048

async function startAllocationProfile(): Promise<void> {
  const session = await connectInspector()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: samplingIntervalBytes,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  stopProfile = async () => void process.send?.((await session.post('HeapProfiler.stopSampling')).profile)
  process.send?.('started')
}

/** Loaded only here, so that no other measurement has it in memory. */
async function connectInspector() {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  return session
}
