import { promises as dns } from 'node:dns'
import { expect, onTestFinished, test, vi } from 'vitest'
import { freePort, open, serve } from './client.test-harness.ts'

test('a name whose servers were all replaced is asked for again', async () => {
  const port = await freePort()
  const lookup = vi.spyOn(dns, 'lookup') as unknown as { mockImplementation(lookUp: () => Promise<unknown>): void }
  onTestFinished(() => void vi.restoreAllMocks())
  const standsFor = (address: string) => lookup.mockImplementation(async () => [{ address, family: 4 }])
  const old = await serve(undefined, { port, host: '127.0.0.2' })
  standsFor('127.0.0.2')
  await using caller = open(`user.test:${port}`)
  expect(await caller.client.say({ text: 'a' })).toEqual({ text: 'a' })
  await using _replaced = await serve(undefined, { port, host: '127.0.0.3' })
  standsFor('127.0.0.3')
  await old.started.stop()
  const called = await vi.waitFor(() => caller.client.say({ text: 'b' }), 5_000)
  expect(called).toEqual({ text: 'b' })
})
