import type { Change } from './change.ts'
import { choiceChanges } from './choice.ts'
import { fieldChanges } from './field.ts'
import { methodChanges } from './method.ts'
import { nestedChanges } from './nested.ts'
import { unionChanges } from './union.ts'

export { type Change, contractOf } from './change.ts'

/** Changes of contracts, each with our verdict, which the one of buf is held against. */
export const changes: readonly Change[] = [
  ...fieldChanges,
  ...nestedChanges,
  ...choiceChanges,
  ...unionChanges,
  ...methodChanges,
]
