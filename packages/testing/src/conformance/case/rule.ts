import type { TProperties } from 'typebox'
import { requireEqual, requireFailure, requireSuccess, requireViolations, type FieldRule } from '../assertion.ts'
import type { BehaviourOptions } from '../behaviour.ts'
import type { Feature } from '../feature.ts'
import type { Offer } from '../stage.ts'

/** An input and what becomes of it. */
export interface Given {
  readonly fields: TProperties
  readonly input: unknown
  readonly place?: Offer['place']
  readonly needs?: readonly Feature[]
}

/** The handler gets the input, or what it is read as; and the caller gets the same back, where it gets anything. */
export function accepts({ fields, input, place, needs = [] }: Given, read: unknown = input): BehaviourOptions {
  return {
    needs,
    run: async ({ serve, has }) => {
      await using served = await serve({ fields, ...(place && { place }) })
      const { output } = requireSuccess(await served.call(input))
      requireEqual(served.inputs, [read], 'the handler should be given')
      if (has('output')) requireEqual(output, toJson(read), 'the caller should get')
    },
  }
}

/** The handler never sees the input, and the caller learns `invalid_argument` with these fields and rules. */
export function refuses({ fields, input, place, needs = [] }: Given, ...rules: readonly FieldRule[]): BehaviourOptions {
  return {
    needs,
    run: async ({ serve, has }) => {
      await using served = await serve({ fields, ...(place && { place }) })
      const failure = requireFailure(await served.call(input), 'invalid_argument')
      if (has('error.details')) requireViolations(failure, rules)
      requireEqual(served.inputs, [], 'the handler should be given')
    },
  }
}

/** As JSON carries it: 64-bit integers as decimal text, bytes as base64. */
function toJson(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, one: unknown) => {
      if (typeof one === 'bigint') return String(one)
      return one instanceof Uint8Array ? Buffer.from(one).toString('base64') : one
    }),
  )
}
