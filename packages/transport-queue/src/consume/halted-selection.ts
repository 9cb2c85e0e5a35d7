import { checkNames, isRecord, ServiceError, toFound } from '@tenon/core/transport'

/** Whose halted messages are meant. */
export interface HaltedSelection {
  readonly topic: string
  /** Left out for a broadcast consumer, which has none. */
  readonly group?: string
}

/** @throws ServiceError `invalid_argument` that names what is wrong */
export function requireSelection(given: HaltedSelection): void {
  const problem = isRecord(given) ? problemOf(given) : `the selection must be { topic, group }, found ${toFound(given)}`
  if (problem !== undefined) throw new ServiceError('invalid_argument', `retryHalted: ${problem}`)
}

/** The error for what nobody consumes here. */
export function notConsumed({ topic, group }: HaltedSelection): ServiceError {
  const message = `retryHalted: topic ${topic} is not consumed ${group === undefined ? 'without a group' : `in group ${group}`} here, or not yet`
  return new ServiceError('not_found', message)
}

const names = ['topic', 'group'] as const

function problemOf(given: Readonly<Record<string, unknown>>): string | undefined {
  const [stray] = checkNames('', given, names)
  if (stray !== undefined) return stray.message.replace(/^: /, '')
  const isName = (name: 'topic' | 'group') => typeof given[name] === 'string' && given[name] !== ''
  const wrong = names.find((name) => !isName(name) && !(name === 'group' && given[name] === undefined))
  return wrong && `${wrong} must be a name, found ${given[wrong] === undefined ? 'nothing' : toFound(given[wrong])}`
}
