import { Guard } from 'typebox/guard'
import type { JsonSchema } from '../schema.ts'
import { type Refinement, refinement } from './refinement.ts'

/**
 * The check of a pattern that has a `maxLength` beside it, which the validator must not check itself: it tries the pattern on a text
 * of any length when it lists what is wrong. Undefined where nothing bounds the text.
 */
export function boundedPattern({ pattern, maxLength }: JsonSchema): Refinement | undefined {
  if (typeof pattern !== 'string' || typeof maxLength !== 'number') return undefined
  const form = new RegExp(pattern, 'u')
  const fault = { keyword: 'pattern', params: { pattern }, message: `must match pattern "${pattern}"` }
  return refinement(
    (value) => typeof value !== 'string' || !Guard.IsMaxLength(value, maxLength) || form.test(value),
    fault,
  )
}
