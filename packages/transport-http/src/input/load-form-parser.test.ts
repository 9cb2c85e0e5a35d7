import { createRequire } from 'node:module'
import { type Contract, contract, formPart, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { serve } from '../http-transport.test-harness.ts'

const { cache } = createRequire(import.meta.url)
const isLoaded = () => Object.keys(cache).some((path) => path.includes('/@fastify/busboy/'))

const output = Type.Object({})
const lines = contract('demo.v1.Lines', { put: { input: stream(Type.Object({})), output, http: 'POST /v1/lines' } })
const forms = contract('demo.v1.Forms', { put: { input: stream(formPart()), output, http: 'POST /v1/forms' } })

test('what reads forms is loaded before a service that takes one listens, and for no other', async () => {
  await (await serve()).server.close()
  await (await serve({}, {}, lines as Contract)).server.close()
  expect(isLoaded()).toBe(false)
  await (await serve({}, {}, forms as Contract)).server.close()
  expect(isLoaded()).toBe(true)
})
