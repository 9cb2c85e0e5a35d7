import { toFound } from '../error/given-value.ts'
import type { SetupProblem } from '../error/setup-error.ts'

/** A line without spaces around it. */
const nameForm = /^(?=.{1,100}$)\S(?:.*\S)?$/

/** Whether something can be told by its name, in a log or a probe. */
export function checkName(where: string, name: unknown): readonly SetupProblem[] {
  if (typeof name === 'string' && nameForm.test(name)) return []
  const message = `${where}: the name must be one line of 1 to 100 characters, found ${toFound(name)}`
  return [{ code: 'config.malformed', message }]
}
