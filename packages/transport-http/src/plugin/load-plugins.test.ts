import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { serve } from '../http-transport.test-harness.ts'

const { cache } = createRequire(import.meta.url)
const plugins = ['cors', 'helmet', 'compress', 'rate-limit']

/** The plugins that this process has loaded so far. */
const loaded = () => plugins.filter((name) => Object.keys(cache).some((path) => path.includes(`/@fastify/${name}/`)))

test('a plugin is loaded when its option is on, and no other', async () => {
  const demo = await serve()
  expect((await fetch(`${demo.url}/v1/users/1`)).status).toBe(200)
  await demo.server.close()
  expect(loaded()).toEqual([])
  await (await serve({}, { cors: true })).server.close()
  expect(loaded()).toEqual(['cors'])
  await (await serve({}, { securityHeaders: true, compression: true, rateLimit: true })).server.close()
  expect(loaded()).toEqual(plugins)
})
