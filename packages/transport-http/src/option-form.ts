import { isRecord, optionCheck, type SetupProblem } from '@tenon/core/transport'

/** Whose option it is, as its user writes it. */
export type OptionOwner = 'httpTransport' | 'httpClient'

export function toMalformed(owner: OptionOwner, text: string): SetupProblem {
  return optionCheck(owner).malformed(text)
}

/** Whether it is a record of options, where what the value should be is to stay its type. */
export function isObject(value: unknown): boolean {
  return isRecord(value)
}

/** Segments of unreserved characters, at least one: anything else a client or a proxy may rewrite. */
export const servedPathForm = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/

/** What is wrong with an option that is `true` or `false`. */
export function checkBoolean(owner: OptionOwner, name: string, value: unknown): readonly SetupProblem[] {
  return optionCheck(owner).boolean(name, value)
}
