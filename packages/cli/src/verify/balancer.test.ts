import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { Balancer } from './balancer.ts'
import { DrainError } from './drain-error.ts'

const file = fileURLToPath(new URL('../balancer-thread.ts', import.meta.url))

test('leads callers to instances that are ready, and counts those whom it can lead to nobody', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined).end('here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await using balancer = await Balancer.start(file, ['http', 'grpc'], () => undefined)
  expect(await saidBy(balancer, 'http')).toBe('')
  await vi.waitFor(() => expect(balancer.unledCount).toBe(1))
  await balancer.lead([{ id: 1, addresses: [{ protocol: 'http', host: '127.0.0.1', port }] }])
  expect(await saidBy(balancer, 'http')).toBe('here')
  expect(await saidBy(balancer, 'grpc')).toBe('')
  await vi.waitFor(() => expect(balancer.unledCount).toBe(2))
  await balancer.lead([])
  expect(await saidBy(balancer, 'http')).toBe('')
  server.close()
})

test('tells whose connections were refused, by which protocol', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const refusals: unknown[] = []
  await using balancer = await Balancer.start(file, ['http'], (...refused) => refusals.push(refused))
  await balancer.lead([{ id: 7, addresses: [{ protocol: 'http', host: '0.0.0.0', port }] }])
  expect(await saidBy(balancer, 'http')).toBe('')
  await vi.waitFor(() => expect(refusals).toEqual([[7, 'http']]))
})

test('says that it has ended when its thread fails, to whom has given an order and whoever gives one then', async () => {
  await using balancer = await Balancer.start(file, ['http'], () => undefined)
  // No such port can be connected to: the thread throws.
  await balancer.lead([{ id: 1, addresses: [{ protocol: 'http', host: '127.0.0.1', port: 70_000 }] }])
  await saidBy(balancer, 'http').catch(() => '')
  const ended = /the balancer of this command has ended, so nothing can be said: .*70000/
  await expect(balancer.lead([])).rejects.toThrow(ended)
  await expect(balancer.lead([])).rejects.toThrow(ended)
})

test('says so, too, when its thread ends before it listens', async () => {
  await expect(Balancer.start('/no/such/thread.ts', ['http'], () => undefined)).rejects.toThrow(DrainError)
})

async function saidBy(balancer: Balancer, protocol: string): Promise<string> {
  const socket = connect(Number(balancer.addressOf(protocol)?.split(':')[1]), '127.0.0.1').setEncoding('utf8')
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  return said
}
