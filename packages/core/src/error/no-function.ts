import type { SetupProblem } from './setup-error.ts'

/** What is given in a place where only a function is of use. */
export type FunctionPlace = readonly [place: string, given: unknown]

/** The places that hold no function, as after an import cycle. */
export function noFunctions(places: readonly FunctionPlace[]): readonly SetupProblem[] {
  return places
    .filter(([, given]) => typeof given !== 'function')
    .map(([place, given]) => ({
      code: 'wiring.undefined',
      message: `${place} is ${given === undefined ? 'undefined: import cycle?' : `no function but ${typeof given}`}`,
    }))
}
