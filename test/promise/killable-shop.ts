import { randomUUID } from 'node:crypto'
import { eventually } from '@tenon/testing'
import { expect } from 'vitest'
import { type NpmStart, npmStart } from './npm-start.ts'
import { freePort } from './shop.ts'
import { type ShopProcess, type ShopServiceName, startShopProcess } from './shop-process.ts'

type Environment = Readonly<Record<string, string>>

/** Both example services, and a caller who asks again until there is an answer. */
export interface KillableShop extends AsyncDisposable {
  /** The new user's id. */
  createUser(): Promise<string>
  /** The order's id, once the order was answered; it is asked for under the same id as long as it takes. */
  placeOrder(userId: string, orderId: string): Promise<string>
  /** Ends a service like a power cut of its own, and starts again what is gone. */
  killAndRestart(victim: ShopServiceName): Promise<void>
  /** Ends both well. */
  stop(): Promise<void>
}

/** Each service started alone: the other one goes on while one is killed. */
export async function startKillableShop(environment: Environment): Promise<KillableShop> {
  const ports: Environment = { USER_GRPC_PORT: String(await freePort()) }
  const start = (name: ShopServiceName) => startShopProcess(name, { ...environment, ...ports })
  const running: Record<ShopServiceName, ShopProcess> = { user: await start('user'), order: await start('order') }
  return {
    ...caller((name) => `http://${running[name].at('http')}`),
    killAndRestart: async (victim) => {
      running[victim].child.kill('SIGKILL')
      expect(await running[victim].ended).toBe('SIGKILL')
      running[victim] = await start(victim)
    },
    stop: async () => {
      for (const { child, ended } of [running.order, running.user]) {
        child.kill('SIGTERM')
        expect(await ended).toBe(0)
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of Object.values(running)) await each[Symbol.asyncDispose]()
    },
  }
}

/** Both services by `npm start`: it ends the other one, and is started again. */
export async function startKillableStart(environment: Environment): Promise<KillableShop> {
  let npm: NpmStart = await npmStart(environment)
  return {
    ...caller((name) => npm.http(name)),
    killAndRestart: async (victim) => {
      process.kill(npm.processId(victim), 'SIGKILL')
      expect(await npm.ended).toBe(137)
      npm = await npmStart(environment)
    },
    stop: async () => {
      npm.child.kill('SIGTERM')
      expect(await npm.ended).toBe(0)
    },
    [Symbol.asyncDispose]: async () => npm[Symbol.asyncDispose](),
  }
}

function caller(urlOf: (name: ShopServiceName) => string): Pick<KillableShop, 'createUser' | 'placeOrder'> {
  return {
    createUser: async () => {
      const user = await post(`${urlOf('user')}/v1/users`, { name: 'Ada', email: `${randomUUID()}@example.com` })
      return String(user['userId'])
    },
    placeOrder: async (userId, orderId) => {
      const order = { orderId, userId, items: [{ sku: 'tea', quantity: 1, unitPriceCents: 350 }] }
      const ask = () => post(`${urlOf('order')}/v1/orders`, order)
      await eventually(ask, { timeoutMs: 120_000, intervalMs: 50 })
      return orderId
    },
  }
}

async function post(url: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(response.status).toBe(201)
  return (await response.json()) as Readonly<Record<string, unknown>>
}
