import { parentPort, workerData } from 'node:worker_threads'
import type { BalancerOrder, BalancerReport } from './verify/balancer-message.ts'
import { startFront } from './verify/front.ts'

// Node takes one connection in each turn of its event loop, and the turns of a process that makes load are long: callers would wait for
// the balancer, and not for the service.
const { protocols } = workerData as { readonly protocols: readonly string[] }
const tell = (report: BalancerReport) => parentPort?.postMessage(report)
const fronts = await Promise.all(protocols.map((protocol) => startFront(protocol, tell)))
parentPort?.on('message', ({ ready }: BalancerOrder) => {
  for (const front of fronts) front.lead(ready)
  tell({ kind: 'led' })
})
tell({ kind: 'listening', addresses: Object.fromEntries(fronts.map(({ protocol, address }) => [protocol, address])) })
