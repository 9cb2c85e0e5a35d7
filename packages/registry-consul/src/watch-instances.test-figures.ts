import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as wait } from 'node:timers/promises'
import type { Instance } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { type TcpLink, tcpLink } from '@tenon/testing/registry'
import { consulRegistry } from './index.ts'
import { OwnConsul } from './own-consul.test-harness.ts'

/**
 * What a watch of 1,000 instances costs, and one announced instance, against an agent of its own. Prints the figures of the README.
 *
 * `node --expose-gc --conditions=@tenon/source --import tsx packages/registry-consul/src/watch-instances.test-figures.ts`
 */
await using consul = await OwnConsul.start()
const idleMs = 30_000
const { signal } = new AbortController()

const publish = (number: number, weight: number) => {
  const endpoints = [{ protocol: 'grpc', host: `10.1.${number >> 8}.${number & 255}`, port: 50_051 }]
  const instance: Instance = { id: `user-${number}`, name: 'user', version: '1.0.0', endpoints, weight }
  return consul.publish(instance)
}

/** What is left when everything was collected that could be. */
async function heapUsed(): Promise<number> {
  for (let count = 0; count < 5; count += 1) {
    await wait(100)
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}

const answerCounts = new Map<string, number>()
subscribe('undici:request:headers', (message) => {
  const { origin } = (message as { readonly request: { readonly origin: string } }).request
  answerCounts.set(origin, (answerCounts.get(origin) ?? 0) + 1)
})

/** What comes over a link, and the processor time of this process, while something is done. */
async function measure(link: TcpLink, work: () => Promise<unknown>): Promise<string> {
  const answerCount = () => answerCounts.get(`http://${link.address}`) ?? 0
  const [bytes, count, cpu] = [link.receivedBytes, answerCount(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  const ms = ((user + system) / 1_000).toFixed(0)
  return `${answerCount() - count} answers, ${link.receivedBytes - bytes} bytes, ${ms} ms of processor time`
}

for (let number = 0; number < 1_000; number += 1) await publish(number, 1)

await using watchLink = await tcpLink(consul.port)
const watching = consulRegistry({ address: watchLink.address })
// Warm: what undici and the rest of the process take is no cost of the list.
for await (const list of watching.watch('nobody', { signal })) if (list) break
const heapBefore = await heapUsed()
let newest: readonly Instance[] = []
const reading = (async () => {
  for await (const list of watching.watch('user', { signal })) newest = list
})()
void reading
const first = await measure(watchLink, () =>
  eventually(() => {
    if (newest.length !== 1_000) throw new Error('not yet')
  }),
)
console.log(`first list of 1,000: ${first}`)
console.log(`heap of it: ${(((await heapUsed()) - heapBefore) / 1024).toFixed(0)} KiB`)
const change = await measure(watchLink, async () => {
  await publish(7, 9)
  await eventually(() => {
    if (!newest.some(({ weight }) => weight === 9)) throw new Error('not yet')
  })
})
console.log(`one change among them: ${change}`)
console.log(`nothing for ${idleMs} ms: ${await measure(watchLink, () => wait(idleMs))}`)

await using announceLink = await tcpLink(consul.port)
const announcing = consulRegistry({ address: announceLink.address })
const instance: Instance = { id: 'a-1', name: 'a', version: '1', endpoints: [] }
let registration: Awaited<ReturnType<typeof announcing.announce>> | undefined
console.log(
  `announcing: ${await measure(announceLink, async () => (registration = await announcing.announce(instance, { signal })))}`,
)
console.log(`keeping it for ${idleMs} ms: ${await measure(announceLink, () => wait(idleMs))}`)
console.log(`withdrawing: ${await measure(announceLink, async () => registration?.withdraw({ signal }))}`)
await consul[Symbol.asyncDispose]()
process.exit()
