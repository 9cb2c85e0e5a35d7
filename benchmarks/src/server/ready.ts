import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Tells the measuring process that this program serves, and answers its questions about usage. */
export function ready(port: number): void {
  process.on('message', (question) => {
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
