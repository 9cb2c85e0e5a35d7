import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { npmStart } from './npm-start.ts'
import { temporaryFolder } from '../support/own-process.ts'

const hosts = [
  { host: '::1', authority: '[::1]' },
  { host: '0.0.0.0', authority: '0.0.0.0' },
  { host: '127.0.0.2', authority: '127.0.0.2' },
]

describe('npm start with TENON_HOST', { timeout: 60_000 }, () => {
  test.for(hosts)('$host listens there, and its services find each other', async ({ host, authority }, { skip }) => {
    skip(!(await canListen(host)), `nothing can listen on ${host} here`)
    await using npm = await npmStart({ DATA_DIR: await temporaryFolder(), TENON_HOST: host })
    expect(npm.http('user')).toMatch(`http://${authority}:`)
    const user = await post(`${npm.http('user')}/v1/users`, { name: 'Ada', email: 'ada@example.com' })
    const items = [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }]
    expect(await post(`${npm.http('order')}/v1/orders`, { userId: user['userId'], items })).toMatchObject({
      status: 'placed',
    })
    npm.child.kill('SIGTERM')
    expect(await npm.ended).toBe(0)
  })
})

async function post(url: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await response.json()) as Readonly<Record<string, unknown>>
}

async function canListen(host: string): Promise<boolean> {
  const server = createServer().listen(0, host)
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
