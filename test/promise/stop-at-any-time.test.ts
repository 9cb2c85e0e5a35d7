import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runFile } from '../support/own-process.ts'

const fixture = (name: string) => join(import.meta.dirname, 'fixture', name)

test('SIGTERM ends a service whose provider hangs while it is created, and the exit code tells', {
  timeout: 60_000,
}, async () => {
  await using hanging = runFile(fixture('hanging-service.ts'))
  await once(hanging.child, 'message')
  hanging.child.kill('SIGTERM')
  expect(await hanging.ended).toBe(1)
  expect(hanging.output()).toContain('\\"create providers\\" did not end in time')
  expect(hanging.output()).toContain('database is still being created')
})

test('a provider that cannot be created ends the service, although another hangs', { timeout: 60_000 }, async () => {
  await using broken = runFile(fixture('hanging-service.ts'), { BROKEN: '1' })
  expect(await broken.ended).toBe(1)
  expect(broken.output()).toContain('cache could not be created: wrong password')
})

test('a service that holds nothing open runs until SIGTERM, and ends with 0', { timeout: 60_000 }, async () => {
  await using idle = runFile(fixture('idle-service.ts'))
  expect(await idle.ended).toBe(0)
  expect(idle.output()).toContain('what follows run() is reached')
})
