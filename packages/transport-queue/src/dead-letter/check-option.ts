import { checkNames, isRecord, ServiceError, toFound } from '@tenon/core/transport'

/** @throws ServiceError `out_of_range` that names the option */
export function requireWithin(
  name: string,
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return
  const found = toFound(value)
  throw new ServiceError('out_of_range', `${name} must be a whole number from ${min} to ${max}, found ${found}`)
}

/** @throws ServiceError `invalid_argument` for options that are none, or that name one which does not exist */
export function requireOptions(where: string, given: unknown, known: readonly string[]): void {
  if (!isRecord(given)) throw malformed(`${where}: the options must be an object, found ${foundText(given)}`)
  requireNames(where, given, known)
}

/** @throws ServiceError `invalid_argument` that names the option which does not exist, and the one that is probably meant */
export function requireNames(where: string, given: object, known: readonly string[]): void {
  const [problem] = checkNames(where, given, known)
  if (problem !== undefined) throw new ServiceError('invalid_argument', problem.message)
}

/** A line of text that says something. @throws ServiceError `invalid_argument` that names the option */
export function requireLine(name: string, value: unknown, mostCharCount: number): void {
  const isLine = typeof value === 'string' && value.trim() !== '' && !/\p{Cc}/u.test(value)
  if (isLine && value.length <= mostCharCount) return
  const found = isLine ? `${value.length} characters` : foundText(value)
  throw malformed(`${name} must be a line of text with 1 to ${mostCharCount} characters, found ${found}`)
}

/** The error for an option of another form. */
export function malformed(message: string): ServiceError {
  return new ServiceError('invalid_argument', message)
}

/** What is found where something else was expected. */
export function foundText(value: unknown): string {
  return value === undefined ? 'nothing' : toFound(value)
}
