/**
 * How much is lost when a call is refused, most first: what users see at once and badly; what they see (the usual case);
 * what may fail for minutes, as batches that are tried again; what may fail for hours.
 *
 * @see Google, Site Reliability Engineering, chapter 21 "Handling Overload", criticality
 */
export const criticalities = Object.freeze(['critical_plus', 'critical', 'sheddable_plus', 'sheddable'] as const)

export type Criticality = (typeof criticalities)[number]

/** The metadata in which a call carries its criticality. No standard names one; the values are those of the source above. */
export const criticalityName = 'x-criticality'

/** The metadata in which a call carries whose it is. No standard names one either. */
export const tenantName = 'x-tenant-id'

/** Unless caller, operation or service say otherwise. @see the same source: the default there */
export const defaultCriticality: Criticality = 'critical'

/** What a caller said; undefined when that is none. */
export function toCriticality(value: unknown): Criticality | undefined {
  return criticalities.find((one) => one === value)
}

/** Whose place in the list it is. */
export function criticalityOf(rank: number): Criticality {
  return criticalities[rank] ?? 'sheddable'
}

/** Its place in the list: 0 is refused last. */
export function rankOf(criticality: Criticality): number {
  return criticalities.indexOf(criticality)
}
