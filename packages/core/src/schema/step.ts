import type { JsonSchema } from './schema.ts'
import type { Alternatives, SchemaDocument, SchemaView } from './schema-view.ts'

/** What is done to a value before or after it is checked. */
export type Step = (value: unknown) => unknown

/** The step for a value that may have any of the schemas; undefined when nothing is to be done. */
export type Compile = (schemas: readonly JsonSchema[]) => Step | undefined

export const identity: Step = (value) => value

/** Compiles each set of schemas once; one that leads back to itself is called through a late-bound step. */
export function memoized(
  document: SchemaDocument,
  compile: (schemas: readonly JsonSchema[], next: Compile) => Step | undefined,
): Compile {
  const steps = new Map<string, { step: Step | undefined; isReady: boolean }>()
  const next: Compile = (schemas) => {
    const key = document.keyOf(schemas)
    const known = steps.get(key)
    if (known) return known.isReady ? known.step : (value) => (known.step ? known.step(value) : value)
    const slot: { step: Step | undefined; isReady: boolean } = { step: undefined, isReady: false }
    steps.set(key, slot)
    slot.step = compile(schemas, next)
    slot.isReady = true
    return slot.step
  }
  return next
}

/** The union that a schema is and nothing beside it, when a constant field tells its alternatives apart. */
export function unionAlone(schemas: readonly JsonSchema[], document: SchemaDocument): Alternatives | undefined {
  const [alternatives, ...more] = document.alternatives(schemas)
  const isAlone = schemas.length === 1 && more.length === 0 && document.commonView(schemas).fields.size === 0
  return isAlone ? alternatives : undefined
}

/** The step for a list; a copy only where an item was changed. */
export function eachItem(view: SchemaView, next: Compile): Step | undefined {
  const stepAt = itemStep(view, next)
  if (stepAt === undefined) return undefined
  return (value) => {
    if (!Array.isArray(value)) return value
    let copy: unknown[] | undefined
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index]
      const stepped = stepAt(item, index)
      if (stepped === item) continue
      copy ??= [...value]
      copy[index] = stepped
    }
    return copy ?? value
  }
}

/** The step for an item at its place in a list. */
export function itemStep(view: SchemaView, next: Compile): ((item: unknown, index: number) => unknown) | undefined {
  const prefix = view.prefix.map((schemas) => next(schemas))
  const rest = view.items.length > 0 ? next(view.items) : undefined
  if (prefix.length === 0) return rest
  if (rest === undefined && !prefix.some((step) => step !== undefined)) return undefined
  return (item, index) => {
    const step = index < prefix.length ? prefix[index] : rest
    return step ? step(item) : item
  }
}

/** The step for an entry that is declared by a pattern, or among the others. */
export function entryStep(view: SchemaView, next: Compile): ((key: string, entry: unknown) => unknown) | undefined {
  const patterns = view.patterns.map(({ form, schemas }) => ({ form, step: next(schemas) }))
  const other = view.others.length > 0 ? next(view.others) : undefined
  if (other === undefined && !patterns.some(({ step }) => step !== undefined)) return undefined
  return (key, entry) => {
    const matching = patterns.find(({ form }) => form.test(key))
    const step = matching ? matching.step : other
    return step ? step(entry) : entry
  }
}

/** The step of a union whose alternatives are told apart by a constant field. */
export function chooseByConstant({ name, byConstant }: Alternatives, next: Compile): Step | undefined {
  const steps = new Map([...byConstant].map(([value, variant]) => [value, next([variant])]))
  if (![...steps.values()].some((step) => step !== undefined)) return undefined
  return (value) => {
    const step = isRecord(value) ? steps.get(value[name]) : undefined
    return step ? step(value) : value
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
