import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runFile } from '../support/own-process.ts'

test('SIGTERM ends a process that would run another service next', async () => {
  await using runs = runFile(join(import.meta.dirname, 'fixture', 'successive-service.ts'))
  expect(await once(runs.child, 'message')).toContain('migrate is ready')
  runs.child.once('message', () => runs.child.kill('SIGKILL'))
  runs.child.kill('SIGTERM')
  expect(await runs.ended).toBe(0)
  expect(runs.output()).toContain('"serve is not started, for the services of the process stop"')
}, 30_000)
