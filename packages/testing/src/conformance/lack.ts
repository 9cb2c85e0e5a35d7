/** Something that is not asked of what is under test, and why. */
export interface Lack<Name extends string = string> {
  readonly feature: Name
  readonly reason: string
}

type Lacks<Name extends string> = { readonly [Feature in Name]?: string }

/** @throws TypeError for a lack that is no feature, or has no reason. */
export function checkLacks<Name extends string>(owner: string, lacks: Lacks<Name>, features: object): void {
  for (const [name, reason] of Object.entries(lacks)) {
    if (!Object.hasOwn(features, name))
      throw new TypeError(`${owner}: lacks: "${name}" is none of ${Object.keys(features).join(', ')}`)
    if (typeof reason !== 'string' || reason.trim() === '')
      throw new TypeError(`${owner}: lacks: expected the reason why it lacks ${name}, found ${String(reason)}`)
  }
}

/** The first of the needed features that is lacking. */
export function findLack<Name extends string>(needs: readonly Name[], lacks: Lacks<Name>): Lack<Name> | undefined {
  for (const feature of needs) {
    const reason = lacks[feature]
    if (reason !== undefined) return Object.freeze({ feature, reason })
  }
  return undefined
}
