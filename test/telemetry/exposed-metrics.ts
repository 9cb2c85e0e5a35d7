import type { Logger } from '@tenon/core'
import { observability } from '@tenon/observability'

/** What `/metrics` shows of all services of this process. */
export interface ExposedMetrics extends AsyncDisposable {
  scrape(): Promise<readonly ExposedSeries[]>
}

/** A line of `/metrics` that has a value. */
export interface ExposedSeries {
  /** `http_server_request_duration_seconds_bucket` */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Collects metrics of this process as `@tenon/observability` does in a service, and sends them nowhere. */
export async function exposeMetrics(): Promise<ExposedMetrics> {
  const service = { name: 'shop', version: '1.2.3', instanceId: 'shop-a' }
  const { routes, stop } = await observability({ traces: 'none', metrics: 'none', logs: 'none' }).start({
    service,
    environment: {},
    log: silent,
  })
  const scrape = async () => {
    const request = { method: 'GET' as const, query: new URLSearchParams(), accept: undefined, hasToken: false }
    const reply = await routes?.find(({ path }) => path === '/metrics')?.answer(request)
    return toSeries(String(reply?.body))
  }
  return { scrape, [Symbol.asyncDispose]: stop }
}

const nothing = () => undefined
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent }

function toSeries(text: string): readonly ExposedSeries[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name = '', labels = '', value = ''] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', told = '']) => [label, told])
    return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }
  })
}
