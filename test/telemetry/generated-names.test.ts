import { randomUUID } from 'node:crypto'
import { service as orderService } from '@shop/order-service'
import { service as userService } from '@shop/user-service'
import { eventually } from '@tenon/testing'
import { memoryDriver } from '@tenon/transport-queue'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { dashboardFiles } from '../../packages/cli/src/generate/dashboards/dashboard-files.ts'
import { startShop } from '../promise/shop.ts'
import { sendRaw } from '../promise/topic.ts'
import { type ExposedSeries, exposeMetrics } from './exposed-metrics.ts'

/** What has no series while all is well, and what a schedule tells that runs at night. */
const absent: readonly string[] = [
  'tenon_client_decisions_total',
  'tenon_client_ejections_total',
  'tenon_client_open_breakers',
  'tenon_config_refused_values_total',
  'tenon_overload_refused_calls_total',
  'tenon_queue_dead_letters_total',
  'tenon_queue_retries_total',
  'tenon_queue_skipped_messages_total',
  'tenon_schedule_omitted_runs_total',
  'tenon_schedule_run_duration_seconds_count',
  'tenon_schedule_run_duration_seconds_sum',
]
/** Labels that Prometheus adds, and that of a call which failed by the service's own fault. */
const otherLabels = ['instance', 'error_type']

it('all that is shown and watched of the example services is in a scrape of them, but for what tells of trouble', async () => {
  const scraped = await scrapeShop()
  const names = new Set(scraped.map(({ name }) => name))
  const queries = [userService, orderService].flatMap((service) => queriesOf(service.describe()))
  const asked = queries.flatMap(namesIn)
  expect([...new Set(asked)].filter((name) => !names.has(name)).toSorted()).toEqual(absent)
  const labelsOf = (query: string) =>
    scraped.filter(({ name }) => namesIn(query).includes(name)).flatMap(({ labels }) => Object.keys(labels))
  const isKnown = (query: string) => {
    const labels = new Set([...otherLabels, ...labelsOf(query)])
    return groupingsIn(query).every((label) => labels.has(label))
  }
  const present = queries.filter((query) => namesIn(query).every((name) => names.has(name)))
  expect(present.length).toBeGreaterThan(50)
  expect(present.filter((query) => !isKnown(query))).toEqual([])
})

/** What the services show once they were called over HTTP, gRPC and a queue. */
async function scrapeShop(): Promise<readonly ExposedSeries[]> {
  await using metrics = await exposeMetrics()
  await using shop = await startShop()
  const post = async (url: string, body: object) =>
    (await (
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    ).json()) as { userId: string }
  const { userId } = await post(`${shop.user.http}/v1/users`, { name: 'Ada', email: `${randomUUID()}@example.com` })
  const order = { userId, items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }
  await post(`${shop.order.http}/v1/orders`, order)
  await shop.orders.placeOrder(order)
  const command = { orderId: randomUUID(), ...order }
  await sendRaw(memoryDriver(), { topic: 'shop.order.place.v1', key: userId, value: JSON.stringify(command) })
  await eventually(async () => expect(await shop.users.getUser({ userId })).toMatchObject({ orderCount: 3 }))
  // A sample of the event loop takes 10 ms, and a collection of garbage is told of in a later turn.
  return await eventually(async () => {
    Array.from({ length: 200_000 }, (_, index) => ({ index }))
    const scraped = await metrics.scrape()
    const names = scraped.map(({ name }) => name)
    expect(names).toContain('v8js_gc_duration_seconds_sum')
    expect(names).toContain('nodejs_eventloop_delay_p99_seconds')
    return scraped
  })
}

function queriesOf(service: Parameters<typeof dashboardFiles>[0]): readonly string[] {
  return dashboardFiles(service, {}).flatMap(({ path, text }) =>
    path.endsWith('.json')
      ? (JSON.parse(text) as Board).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
      : (parse(text) as Rules).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
  )
}

interface Board {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[]
}

/** The series that a query asks for, which stand before braces; those with a colon are recorded by a rule. */
function namesIn(query: string): readonly string[] {
  return [...query.matchAll(/([\w:]+)\{/g)].map(([, name = '']) => name).filter((name) => !name.includes(':'))
}

/** The labels by which a query tells series apart. */
function groupingsIn(query: string): readonly string[] {
  return [...query.matchAll(/ by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '))
}
