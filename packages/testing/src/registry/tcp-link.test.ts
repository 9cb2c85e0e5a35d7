import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { type TcpLink, tcpLink } from './tcp-link.ts'

/** A server that says back what it is told, and a link to it. */
async function started() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const link = await tcpLink((server.address() as AddressInfo).port)
  onTestFinished(async () => {
    await link[Symbol.asyncDispose]()
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { link, sockets }
}

/** A client of a link, and what it has heard. */
function client({ port }: TcpLink) {
  const heard = { text: '', isEnded: false, error: '' }
  const socket = connect(port, '127.0.0.1')
    .on('data', (bytes) => (heard.text += bytes.toString()))
    .on('end', () => (heard.isEnded = true))
    .on('error', (error: NodeJS.ErrnoException) => (heard.error = error.code ?? ''))
  onTestFinished(() => void socket.destroy())
  const hears = (text: string) => eventually(() => expect(heard.text).toBe(text))
  const say = (text: string) => void socket.write(text)
  return { heard, hears, say, socket }
}

test('a link passes on what is said on both sides, counts what came of it, and passes on goodbyes', async () => {
  const { link, sockets } = await started()
  const one = client(link)
  one.say('hello')
  await one.hears('hello')
  expect(link.receivedBytes).toBe(5)
  expect(link.address).toBe(`127.0.0.1:${link.port}`)
  // More than sockets hold, which are not closed before it is through.
  one.socket.pause()
  for (const socket of sockets) socket.end('bye'.repeat(5_000_000))
  await eventually(() => expect([...sockets].every(({ destroyed }) => destroyed)).toBe(true))
  one.socket.resume()
  await eventually(() => expect(one.heard.text).toHaveLength(15_000_005))
  await eventually(() => expect(one.heard).toMatchObject({ isEnded: true, error: '' }))
  await eventually(() => expect(link.connectionCount()).toBe(0))
})

test('a goodbye of the client is passed on after what it said', async () => {
  const { link } = await started()
  const one = client(link)
  one.socket.end('last')
  await one.hears('last')
  await eventually(() => expect(one.heard).toMatchObject({ isEnded: true, error: '' }))
})

test('a link that is cut resets connections, old and new ones, until it is restored', async () => {
  const { link } = await started()
  const [one, two] = [client(link), client(link)]
  for (const each of [one, two]) each.say('a')
  for (const each of [one, two]) await each.hears('a')
  expect(link.connectionCount()).toBe(2)
  await link.cut()
  const late = client(link)
  for (const each of [one, two, late]) await eventually(() => expect(each.heard.error).toBe('ECONNRESET'))
  expect(link.connectionCount()).toBe(0)
  await link.restore()
  const after = client(link)
  after.say('b')
  await after.hears('b')
})

test('on a frozen link nothing arrives, nor a goodbye, and what was frozen stays so', async () => {
  const { link, sockets } = await started()
  const one = client(link)
  one.say('a')
  await one.hears('a')
  await link.freeze()
  const late = client(link)
  one.say('lost')
  late.say('lost')
  await eventually(() => expect([link.connectionCount(), sockets.size]).toEqual([2, 2]))
  const served = [...sockets]
  for (const socket of served) socket.write('lost')
  await eventually(() => expect(link.receivedBytes).toBe(9))
  one.socket.end()
  await eventually(() => expect(link.connectionCount()).toBe(1))
  await link.restore()
  late.say('lost')
  const after = client(link)
  after.say('b')
  await after.hears('b')
  expect(served.map(({ readableEnded }) => readableEnded)).toEqual([false, false])
  for (const socket of served) socket.end()
  await eventually(() => expect(served.map(({ destroyed }) => destroyed)).toEqual([true, true]))
  after.say('c')
  await after.hears('bc')
  expect([one.heard, late.heard]).toEqual([
    { text: 'a', isEnded: false, error: '' },
    { text: '', isEnded: false, error: '' },
  ])
})

test('on a slow link answers are late and in order, also those that were sent before it was restored', async () => {
  const { link } = await started()
  const one = client(link)
  one.say('a')
  await one.hears('a')
  await link.slow(50)
  one.say('b')
  await eventually(() => expect(link.receivedBytes).toBe(2))
  expect(one.heard.text).toBe('a')
  await link.restore()
  one.say('c')
  await eventually(() => expect(link.receivedBytes).toBe(3))
  await one.hears('abc')
})

test('a link may lead to another one, whose harm it shares', async () => {
  const { link } = await started()
  await using own = await tcpLink(link.port)
  const [one, other] = [client(own), client(link)]
  for (const each of [one, other]) each.say('a')
  for (const each of [one, other]) await each.hears('a')
  expect(link.connectionCount()).toBe(2)
  await own.cut()
  await eventually(() => expect(link.connectionCount()).toBe(1))
  other.say('b')
  await other.hears('ab')
})

test('a link to nothing ends its connections', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  await using link = await tcpLink(port)
  const one = client(link)
  await eventually(() => expect(one.heard.isEnded).toBe(true))
})
