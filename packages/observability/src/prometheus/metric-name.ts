/** What a kind of metric is called in the text formats. */
export type FamilyType = 'counter' | 'gauge' | 'histogram'

/** A metric as Prometheus names it. */
export interface MetricName {
  /** Without `_total`, which the samples of a counter have. */
  readonly family: string
  /** The last word of the family, as far as it is a unit; empty for none. */
  readonly unit: string
}

/**
 * The name of a metric of OpenTelemetry: with its unit at the end, and nothing twice.
 *
 * @see OpenTelemetry, Prometheus and OpenMetrics compatibility: metric metadata
 */
export function toMetricName(name: string, unit: string, type: FamilyType): MetricName {
  const word = toUnit(unit, type)
  const bare = sanitized(name, /[^a-zA-Z0-9_:]+/g).replace(/_total$/, type === 'counter' ? '' : '_total')
  if (word === '' || bare.endsWith(`_${word}`)) return { family: bare, unit: word }
  return { family: `${bare}_${word}`, unit: word }
}

/** The name of a label. */
export function toLabelName(attribute: string): string {
  return sanitized(attribute, /[^a-zA-Z0-9_]+/g)
}

function sanitized(text: string, others: RegExp): string {
  const safe = text.replaceAll(others, '_').replaceAll(/_{2,}/g, '_')
  return /^\d/.test(safe) ? `_${safe}` : safe
}

/** Those that are in use. @see UCUM, and OpenTelemetry, Prometheus compatibility: units */
const words: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  Cel: 'celsius',
  Hz: 'hertz',
  '%': 'percent',
}

/** What is counted stands in braces and is no unit. */
function toUnit(unit: string, type: FamilyType): string {
  if (unit === '1') return type === 'gauge' ? 'ratio' : ''
  const [counted = '', per] = unit.replaceAll(/\{[^}]*\}/g, '').split('/')
  const first = toWord(counted)
  if (per === undefined || per === '') return first
  const second = toWord(per).replace(/s$/, '')
  return first === '' ? `per_${second}` : `${first}_per_${second}`
}

function toWord(unit: string): string {
  return words[unit] ?? sanitized(unit, /[^a-zA-Z0-9_]+/g).replaceAll(/^_+|_+$/g, '')
}
