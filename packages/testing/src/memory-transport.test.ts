import { defineHandler, defineService, fault } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { memoryTransport } from './memory-transport.ts'

const greeter = contract('demo.v1.Greeter', {
  greet: {
    input: Type.Object({ name: Type.String({ minLength: 1 }) }),
    output: Type.Object({ text: Type.String() }),
    errors: ['not_found'],
  },
})
const other = contract('demo.v1.Other', { wave: { input: Type.Object({}), output: Type.Object({}) } })

async function startGreeter() {
  const memory = memoryTransport()
  const service = defineService({
    name: 'greeter',
    version: '1.0.0',
    admin: false,
    transports: () => [memory],
    handlers: [
      defineHandler(greeter, () => ({
        greet: async ({ name }) => {
          if (name === 'nobody') throw fault(greeter.greet, 'not_found', 'nobody is there')
          return { text: `hello ${name}` }
        },
      })),
    ],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  return { memory, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

test('a call goes through the whole pipeline and gives its outcome', async () => {
  await using greeting = await startGreeter()
  expect(await greeting.memory.call(greeter.greet, { name: 'Ada' })).toMatchObject({
    ok: true,
    value: { text: 'hello Ada' },
  })
  expect(await greeting.memory.call(greeter.greet, { name: 'nobody' })).toMatchObject({
    ok: false,
    error: { code: 'not_found' },
  })
  const refused = await greeting.memory.call(greeter.greet, { name: '' })
  expect(refused).toMatchObject({
    ok: false,
    error: { code: 'invalid_argument', details: { violations: [{ field: '/name', rule: 'minLength' }] } },
  })
})

test('an operation the service does not offer is unimplemented', async () => {
  await using greeting = await startGreeter()
  await expect(greeting.memory.call(other.wave, {})).rejects.toMatchObject({ code: 'unimplemented' })
})
