import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runFile } from '../support/own-process.ts'

test('the tour of @tenon/terminus runs as its README tells', async () => {
  await using tour = runFile(join(import.meta.dirname, 'fixture/terminus-tour-service.ts'))
  const [{ port }] = (await once(tour.child, 'message')) as [AddressInfo]
  await tour.printed('billing is ready')
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  expect(await ask('/')).toBe('the app as it was')
  expect(await ask('/readyz')).toBe('{"status":"pass"}')
  expect(await ask('/health')).toBe('{"status":"ok","info":{"db":"up"},"details":{"db":"up"}}')
  tour.child.kill('SIGTERM')
  expect(await tour.ended).toBe(0)
  expect(tour.output()).toContain('closing the database')
})
