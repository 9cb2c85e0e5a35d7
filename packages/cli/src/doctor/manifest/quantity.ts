import type { Field } from './field.ts'

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/**
 * A quantity such as `250m` or `256Mi`, in cores or bytes; undefined for none, and for what is no quantity.
 *
 * @see Kubernetes API reference, Quantity
 */
export function quantityOf(field: Field): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d*)?(?:[eE]\d+)?|\.\d+)([a-zA-Z]*)$/.exec(field.shown ?? '') ?? []
  const factor = Object.hasOwn(factors, unit) ? factors[unit] : undefined
  return number === undefined || factor === undefined ? undefined : Number(number) * factor
}

/** A count, or a share of all such as `25%`; undefined where neither was written. */
export function countOf(
  field: Field,
  { of, round }: { readonly of: number; readonly round: (share: number) => number },
): number | undefined {
  if (field.number !== undefined) return field.number
  const [, percent] = /^(\d+)%$/.exec(field.text ?? '') ?? []
  return percent === undefined ? undefined : round((Number(percent) / 100) * of)
}
