import { prometheusName, type ShownMetric } from './prometheus-name.ts'

/** Which series of a metric are meant. */
export interface Selection {
  /** Those of the service: `job="user"`. */
  readonly selector: string
  /** Those of them that fit these matchers too: `error_type!=""`. */
  readonly where?: string
}

/** What is told apart; all other labels are summed over. */
export type Labels = readonly string[]

/** A metric as it is now. */
export function series(name: ShownMetric, selection: Selection): string {
  return `${prometheusName(name)}${braces(selection)}`
}

/** The sum over processes of what a counter, or the number of values of a histogram, rises by in a second. */
export function perSecond(name: ShownMetric, selection: Selection, { by = [], window }: Rate): string {
  return `${sum(by)} (rate(${counted(name)}${braces(selection)}[${window}]))`
}

/** As `perSecond`, of the sum of the values of a histogram. */
export function sumPerSecond(name: ShownMetric, selection: Selection, { by = [], window }: Rate): string {
  return `${sum(by)} (rate(${prometheusName(name)}_sum${braces(selection)}[${window}]))`
}

/** Whether a counter, or the number of values of a histogram, has risen in a while. One that is new has: from nothing to its first value there is no rate. */
export function hasRisen(name: ShownMetric, selection: Selection, { by, window }: Required<Rate>): string {
  const own = `${counted(name)}${braces(selection)}`
  return `${sum(by)} (increase(${own}[${window}]) > 0 or (${own} unless ${own} offset ${window}) > 0)`
}

/** The value that a part of the values of a histogram is not above. */
export function quantile(name: ShownMetric, selection: Selection, { share, by = [], window }: Share): string {
  const buckets = `rate(${prometheusName(name)}_bucket${braces(selection)}[${window}])`
  return `histogram_quantile(${share}, ${sum(['le', ...by])} (${buckets}))`
}

interface Rate {
  readonly by?: Labels
  /** `5m`, or `$__rate_interval` in Grafana. */
  readonly window: string
}

interface Share extends Rate {
  /** From 0 to 1. */
  readonly share: number
}

function counted(name: ShownMetric): string {
  const known = prometheusName(name)
  return known.endsWith('_total') ? known : `${known}_count`
}

function braces({ selector, where }: Selection): string {
  return `{${where === undefined ? selector : `${selector},${where}`}}`
}

function sum(by: Labels): string {
  return by.length === 0 ? 'sum' : `sum by (${by.join(', ')})`
}
