import { expect, it } from 'vitest'
import type { AdminRequest } from '../probe/admin-route.ts'
import { LogLevels } from './log-levels.ts'
import { logRoute } from './log-route.ts'

async function ask(levels: LogLevels, request: Partial<AdminRequest>) {
  const route = logRoute(levels, (id) => id === 'shop.Orders/get')
  const whole = { method: 'PUT', query: new URLSearchParams(), accept: undefined, hasToken: true, ...request } as const
  const { status, body } = await route.answer(whole)
  return { status, body: JSON.parse(body) as object }
}

const query = (text: string) => ({ query: new URLSearchParams(text) })

it('changes the level of the service, and that of one operation, and takes both back', async () => {
  const levels = new LogLevels('warn')
  expect(await ask(levels, query('level=debug'))).toEqual({ status: 200, body: { level: 'debug', operations: {} } })
  const own = { level: 'debug', operations: { 'shop.Orders/get': 'trace' } }
  expect(await ask(levels, query('level=trace&operation=shop.Orders/get'))).toEqual({ status: 200, body: own })
  expect(await ask(levels, { method: 'GET', hasToken: false })).toEqual({ status: 200, body: own })
  await ask(levels, query('level=initial&operation=shop.Orders/get'))
  expect(await ask(levels, query('level=initial'))).toEqual({ status: 200, body: { level: 'warn', operations: {} } })
})

it('changes nothing for who shows no token, and for what it does not know', async () => {
  const levels = new LogLevels('info')
  expect(await ask(levels, { ...query('level=debug'), hasToken: false })).toMatchObject({
    status: 403,
    body: { needs: expect.stringContaining('set admin.token') as string },
  })
  for (const [text, status] of [
    ['', 400],
    ['level=loud', 400],
    ['level=debug&op=shop.Orders/get', 400],
    ['level=debug&operation=shop.Orders/gte', 404],
  ] as const)
    expect((await ask(levels, query(text))).status, text).toBe(status)
  expect(levels).toMatchObject({ level: 'info', operations: {} })
})
