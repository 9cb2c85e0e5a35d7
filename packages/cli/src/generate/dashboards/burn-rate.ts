import { type CallKind, failed } from './call-kind.ts'
import { perSecond, type Selection } from './promql.ts'

/** What a service promises of its calls. */
export interface Objective {
  readonly service: string
  readonly selector: string
  /** The part of the calls that must not fail by the service's own fault, in percent: 99.9. */
  readonly percent: number
}

/**
 * Rules that tell when the errors that an objective leaves room for are used up too fast, by two windows each: the long one so that it matters,
 * the short one so that it is over soon after the errors are. None for a service that nobody waits for.
 *
 * @see The Site Reliability Workbook, chapter 5: multiwindow, multi-burn-rate alerts
 */
export function burnRateRules(kinds: readonly CallKind[], objective: Objective): readonly object[] {
  const answered = kinds.filter(({ isAnswered }) => isAnswered)
  if (answered.length === 0) return []
  const { service, selector } = objective
  const windows = [...new Set(burns.flatMap(({ pairs }) => pairs.flatMap(({ long, short }) => [long, short])))]
  return [
    ...windows.map((window) => ({
      record: recordOf(window),
      expr: `${summed(answered, { selector, where: failed }, window)} / ${summed(answered, { selector }, window)}`,
      labels: { service },
    })),
    ...burns.map(({ alert, severity, pairs, advice }) => ({
      alert,
      expr: pairs
        .map((pair) => `(${exceeds(pair.long, pair, objective)} and ${exceeds(pair.short, pair, objective)})`)
        .join(' or '),
      labels: { severity, service },
      annotations: {
        summary: `${service} fails more calls than its objective of ${objective.percent} % leaves room for`,
        description: advice,
      },
    })),
  ]
}

interface BurnPair {
  readonly long: string
  readonly short: string
  /** How many times faster than what would use up the room in the whole 30 days. */
  readonly factor: number
}

const burns = [
  {
    alert: 'TenonErrorBudgetBurnsFast',
    severity: 'page',
    pairs: [
      { long: '1h', short: '5m', factor: 14.4 },
      { long: '6h', short: '30m', factor: 6 },
    ],
    advice:
      'At this rate the errors of 30 days are used up within 5 days. Which operations fail is in the dashboard of operations.',
  },
  {
    alert: 'TenonErrorBudgetBurnsSlowly',
    severity: 'ticket',
    pairs: [
      { long: '1d', short: '2h', factor: 3 },
      { long: '3d', short: '6h', factor: 1 },
    ],
    advice: 'At this rate the errors of 30 days are used up before they are over.',
  },
] as const satisfies readonly {
  readonly alert: string
  readonly severity: string
  readonly pairs: readonly BurnPair[]
  readonly advice: string
}[]

function recordOf(window: string): string {
  return `tenon:call_error_ratio:rate${window}`
}

function exceeds(window: string, { factor }: BurnPair, { service, percent }: Objective): string {
  return `${recordOf(window)}{service="${service}"} > ${rounded((factor * (100 - percent)) / 100)}`
}

/** Over all ways, of which one may have had no calls yet. */
function summed(kinds: readonly CallKind[], selection: Selection, window: string): string {
  return `(${kinds.map(({ duration }) => `(${perSecond(duration, selection, { window })} or vector(0))`).join(' + ')})`
}

/** Without what floating point adds. */
function rounded(value: number): number {
  return Number(value.toPrecision(6))
}
