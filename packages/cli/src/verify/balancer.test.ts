import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { type Backend, startFront } from './balancer.ts'

test('leads callers to instances that are ready, and counts those whom it can lead to nobody', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined).end('here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const backend: Backend & { isReady: boolean } = {
    isReady: false,
    at: (protocol: string) => ({ protocol, host: '127.0.0.1', port }),
    refused: () => undefined,
  }
  await using front = await startFront('http', () => [backend])
  expect(await saidBy(front.address)).toBe('')
  expect(front.unledCount).toBe(1)
  backend.isReady = true
  expect(await saidBy(front.address)).toBe('here')
  expect(front.unledCount).toBe(1)
  server.close()
})

async function saidBy(address: string): Promise<string> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1').setEncoding('utf8')
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  return said
}
