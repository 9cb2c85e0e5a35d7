import type { AdminRoute } from '@tenon/core'
import { type Exposed, type TextFormat, toExposition } from './exposition.ts'

const contentTypes: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** `/metrics`, in the format that who asks prefers. */
export function metricsRoute(collect: () => Promise<Exposed>): AdminRoute {
  return {
    path: '/metrics',
    methods: ['GET'],
    answer: async ({ accept }) => {
      const format = formatFor(accept)
      const body = toExposition(await collect(), format)
      return { status: 200, headers: { 'content-type': contentTypes[format], 'cache-control': 'no-store' }, body }
    },
  }
}

/** OpenMetrics for who names it and does not rather take plain text. @see RFC 9110 section 12.5.1 */
export function formatFor(accept = ''): TextFormat {
  const ranges = accept.split(',').map(toRange)
  const weightOf = (type: string) => ranges.findLast((range) => range.type === type)?.weight
  const weights = ranges.filter(({ type, version }) => type === 'application/openmetrics-text' && version !== '0.0.1')
  const openmetrics = Math.max(0, ...weights.map(({ weight }) => weight))
  const plain = weightOf('text/plain') ?? 0
  return openmetrics > 0 && openmetrics >= plain ? 'openmetrics' : 'prometheus'
}

function toRange(text: string) {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const valueOf = (name: string) => parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1)
  const weight = Number(valueOf('q') ?? 1)
  return { type, version: valueOf('version'), weight: Number.isNaN(weight) ? 0 : weight }
}
