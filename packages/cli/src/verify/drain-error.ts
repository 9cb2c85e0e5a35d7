/** The verdict could not be found: the message says what to change. */
export class DrainError extends Error {
  override readonly name = 'DrainError'
}
