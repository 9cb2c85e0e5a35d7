import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { type Shop, startShop } from '../promise/shop.ts'
import { chooseSeed, trySchemathesis } from './schemathesis.ts'
import { runTool, toolAbsence } from '../support/tool.ts'

const absence = toolAbsence('schemathesis', 'redocly', 'spectral')
const seed = chooseSeed()
const services = ['user', 'order'] as const

let shop: Shop
beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop[Symbol.asyncDispose]())

const documentOf = (service: (typeof services)[number]) => `${shop[service].http}/openapi.json`

describe.skipIf(absence)(`the documents of the example services${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test.each(services)('have nothing that linters would change (%s)', async (service) => {
    const folder = await temporaryFolder()
    const signal = AbortSignal.timeout(50_000)
    await writeFile(join(folder, 'openapi.json'), await (await fetch(documentOf(service))).text())
    await writeFile(join(folder, '.spectral.yaml'), 'extends: ["spectral:oas"]\n')
    const redocly = ['redocly', 'lint', '--extends=recommended-strict', 'openapi.json'] as const
    const spectral = ['spectral', 'lint', '--fail-severity=hint', 'openapi.json'] as const
    for (const command of [redocly, spectral]) {
      const { code, output } = await runTool(command, { folder, signal })
      expect(code, output).toBe(0)
    }
  })

  // A handler may refuse what fits the schema: a page token of nobody, and an order of a user who does not exist.
  const refusals = (operation: string) => `
[[operations]]
include-operation-id = "${operation}"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400]
`

  test.concurrent(`tell the truth about the user service (seed ${seed})`, { timeout: 600_000 }, async ({ signal }) => {
    const url = documentOf('user')
    const filter = ['--exclude-path-regex=:watch$']
    const settings = refusals('shop.user.v1.UserService_listUsers')
    const { code, output } = await trySchemathesis({ url, seed, filter, settings, signal })
    expect(code, output).toBe(0)
  })

  test.concurrent(`tell the truth about the order service (seed ${seed})`, { timeout: 600_000 }, async ({ signal }) => {
    const url = documentOf('order')
    const { userId } = await shop.users.createUser({ name: 'Ada', email: `${randomUUID()}@example.com` })
    const filter = ['--exclude-path-regex=:watch$']
    const settings = `
[dictionaries.users]
values = ["${userId}"]
${refusals('shop.order.v1.OrderService_listOrders')}
${refusals('shop.order.v1.OrderService_placeOrder')}
[operations.parameters]
"body.userId" = { dictionary = "users", probability = 0.8 }
`
    const { code, output } = await trySchemathesis({ url, seed, filter, settings, signal })
    expect(code, output).toBe(0)
  })

  // They have no end of their own, so the caller sets one.
  test.each(services)(`tell the truth about watching (%s, seed ${seed})`, { timeout: 300_000 }, async (service) => {
    const headers = { accept: 'text/event-stream', 'x-request-timeout-ms': '20' }
    const filter = ['--include-path-regex=:watch$']
    const signal = AbortSignal.timeout(290_000)
    const { code, output } = await trySchemathesis({ url: documentOf(service), seed, filter, headers, signal })
    expect(code, output).toBe(0)
  })
})
