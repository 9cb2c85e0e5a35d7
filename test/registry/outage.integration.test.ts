import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionState } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { embedded, freePorts } from '../promise/shop.ts'
import { type ShopProcess, startShopProcess, toShopProcess } from '../promise/shop-process.ts'
import { runFile, temporaryFolder } from '../support/own-process.ts'
import { toolAbsence } from '../support/tool.ts'
import type { RegistryPlace } from './harmed-registry.ts'
import { registryAbsences, registryPlaces } from './registry-place.ts'
import { startSteadyLoad } from './steady-load.ts'

/** Each harm lasts longer where TENON_OUTAGES is `all`, so that there are more than 60 s of calls. */
const isLong = process.env['TENON_OUTAGES'] === 'all'
const harmMs = isLong ? 10_000 : 1_000

/** Until callers know of an announcement, or of a goodbye: 2 s; where other tests run beside this one, what a busy machine takes as well. */
const seenLimitMs = isLong ? 2_000 : 10_000
/** Until callers know of all instances again after outages: longest pauses between tries, and silent connections that are noticed. */
const mendedLimitMs = 30_000

/** The services of the example, which find each other by a registry. */
async function openShop({ environment: found, shows }: RegistryPlace) {
  const environment = { ...freePorts, ...embedded, ...found, DATA_DIR: await temporaryFolder() }
  const users = new Set<ShopProcess>()
  const disposed = (service: ShopProcess) => {
    onTestFinished(() => service[Symbol.asyncDispose]())
    return service
  }
  const startUser = async () => {
    const user = disposed(await startShopProcess('user', environment))
    users.add(user)
    await shows?.([...users])
    return user
  }
  const first = await startUser()
  const orderFile = join(import.meta.dirname, 'fixture/order-service.ts')
  const order = disposed(await toShopProcess('order', runFile(orderFile, environment)))
  const email = `${randomUUID()}@example.com`
  const { userId } = await post(`http://${first.at('http')}/v1/users`, { name: 'Ada', email })
  const items = [{ sku: 'tea', quantity: 1, unitPriceCents: 350 }]
  const stateOf = async (user: ShopProcess) => {
    const told = once(order.child, 'message')
    order.child.send('connections?')
    const [connections] = (await told) as [readonly ConnectionState[]]
    return connections.find(({ address }) => address === user.at('grpc'))?.state
  }
  return {
    first,
    startUser,
    stopUser: async (user: ShopProcess) => {
      users.delete(user)
      user.child.kill('SIGTERM')
      await shows?.([...users])
    },
    placeOrder: () => post(`http://${order.at('http')}/v1/orders`, { userId, items }),
    /** Connections are opened by calls. */
    isCalled: (user: ShopProcess, timeoutMs: number) =>
      eventually(async () => expect(await stateOf(user)).toBe('ready'), { timeoutMs }),
    isKnownNoMore: (user: ShopProcess, timeoutMs: number) =>
      eventually(async () => expect(await stateOf(user)).toBeUndefined(), { timeoutMs }),
  }
}

async function post(url: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  if (response.status !== 201) throw new Error(`${response.status}: ${text}`)
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

describe.each(Object.entries(registryPlaces))('services found by %s', (name, open) => {
  // One of them in the pipeline, all in `.ci/soak`: each takes most of a minute.
  const wait = isLong || name === 'consul' ? undefined : 'TENON_OUTAGES is not all'
  const absence = wait ?? toolAbsence('toxiproxy-server') ?? registryAbsences[name]

  test.skipIf(absence !== undefined)(
    `lose no call while it is away, slow or silent, and follow it before and after${absence === undefined ? '' : ` (${absence})`}`,
    async () => {
      const place = await open()
      const shop = await openShop(place)
      const load = startSteadyLoad(shop.placeOrder, 4)
      const second = await shop.startUser()
      await timed(`${name}: a new instance is called`, () => shop.isCalled(second, seenLimitMs))
      for (const harm of place.harms) {
        await harm.run()
        await Promise.all([sleep(harmMs), load.succeeded(20)])
      }
      const third = await shop.startUser()
      for (const user of [shop.first, second, third]) await shop.isCalled(user, mendedLimitMs)
      await shop.stopUser(second)
      await timed(`${name}: one that says goodbye is known no more`, () => shop.isKnownNoMore(second, seenLimitMs))
      expect(await second.ended).toBe(0)
      const { callCount, failures } = await load.finish()
      expect(failures).toEqual([])
      if (!isLong) return
      process.stdout.write(`${name}: ${callCount} calls, none failed\n`)
      if (place.ttlMs === undefined) return
      third.child.kill('SIGKILL')
      const limitMs = place.ttlMs + seenLimitMs
      await timed(`${name}: one that crashed is known no more`, () => shop.isKnownNoMore(third, limitMs))
    },
    240_000,
  )
})

/** How long it took, for who runs it by hand. */
async function timed(what: string, wait: () => Promise<unknown>): Promise<void> {
  const beganAtMs = performance.now()
  await wait()
  if (isLong) process.stdout.write(`${what} after ${Math.round(performance.now() - beganAtMs)} ms\n`)
}
