import type { Field } from './field.ts'

type Labels = ReadonlyMap<string, string>

/**
 * Whether a selector with `matchLabels` and `matchExpressions` fits. An empty one fits all.
 *
 * @see Kubernetes documentation, labels and selectors: resources that support set-based requirements
 */
export function selects(selector: Field, labels: Labels): boolean {
  return (
    hasAll(labels, selector.at('matchLabels')) &&
    selector.at('matchExpressions').items.every((expression) => fits(expression, labels))
  )
}

/** Whether all pairs of a map are among the labels. */
export function hasAll(labels: Labels, wanted: Field): boolean {
  return Array.from(wanted.labels).every(([name, value]) => labels.get(name) === value)
}

function fits(expression: Field, labels: Labels): boolean {
  const value = labels.get(expression.at('key').text ?? '')
  const values = expression.at('values').items.map((item) => item.shown)
  switch (expression.at('operator').text) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}
