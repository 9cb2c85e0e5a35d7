import type { Component } from './inventory.ts'

/** Licences that ask for no more than their text. */
const allowed = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'])

/** What is under another licence than those that are allowed, or says none. All that an expression names must be allowed. */
export function licenceProblems(components: readonly Component[]): readonly string[] {
  return components.flatMap((component) => {
    const licences = (component.licenses ?? []).map(
      ({ license, expression }) => expression ?? license?.id ?? license?.name ?? '',
    )
    const names = licences.flatMap((licence) =>
      licence.split(/[\s()]+/).filter((word) => !['', 'AND', 'OR'].includes(word)),
    )
    if (names.length === 0) return [`${component['bom-ref']} says no licence`]
    return names.filter((name) => !allowed.has(name)).map((name) => `${component['bom-ref']} is under ${name}`)
  })
}
