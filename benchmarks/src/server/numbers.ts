import { defineHandler } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'

/** A stream as long as its caller wants it. */
export const numbers = contract('bench.v1.NumberService', {
  countTo: {
    input: Type.Object({ count: Type.Integer({ minimum: 0 }) }),
    output: stream(Type.Object({ number: Type.Integer() })),
    http: 'GET /numbers',
  },
})

export const numberHandler = defineHandler(numbers, () => ({
  async *countTo({ count }) {
    for (let number = 0; number < count; number++) yield { number }
  },
}))
