/**
 * Whether something was thrown because a value is nested more deeply than the stack is. V8 throws the same class for a number
 * out of range.
 *
 * @see V8, message template kStackOverflow
 */
export function isStackOverflow(caught: unknown): boolean {
  return caught instanceof RangeError && caught.message === 'Maximum call stack size exceeded'
}
