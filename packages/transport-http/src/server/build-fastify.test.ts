import { expect, test } from 'vitest'
import { hostOf, serve } from '../http-transport.test-harness.ts'
import { type HttpOptions, httpTransport } from '../index.ts'

const bind = (options: HttpOptions) => httpTransport({ port: 0, ...options }).bind(hostOf({}, []))

/** With a plugin and without: both ways lead through the same queue. */
const variants: readonly HttpOptions[] = [{}, { cors: true }]

test.each(variants)('a configure that is a promise is waited for before anything listens (%j)', async (options) => {
  const steps: string[] = []
  await using demo = await serve(
    {},
    {
      ...options,
      configure: async (fastify) => {
        await new Promise<void>((resolve) => {
          setImmediate(resolve)
        })
        steps.push(`configured, listening: ${fastify.server.listening}`)
        fastify.get('/late', async () => 'late')
      },
    },
  )
  expect(steps).toEqual(['configured, listening: false'])
  expect(await (await fetch(`${demo.url}/late`)).text()).toBe('late')
})

test.each(variants)(
  'what configure throws or rejects with fails the start, and not the process (%j)',
  async (options) => {
    const fails = [
      () => Promise.reject(new Error('late')),
      () => {
        throw new Error('late')
      },
    ]
    for (const configure of fails) {
      const server = bind({ ...options, configure })
      await expect(server.listen()).rejects.toThrow('late')
      await server.close()
      // As `service.check()` does.
      await bind({ ...options, configure }).close()
    }
  },
)

test.each(variants)('configure may end with the server itself (%j)', async (options) => {
  await using demo = await serve({}, { ...options, configure: (fastify) => fastify.get('/own', async () => 'own') })
  expect(await (await fetch(`${demo.url}/own`)).text()).toBe('own')
})
