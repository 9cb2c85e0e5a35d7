import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runFile } from '../support/own-process.ts'

test('a signal that is repeated when the services have ended does not change how the process ends', async () => {
  await using lingering = runFile(join(import.meta.dirname, 'fixture', 'lingering-service.ts'))
  const { child } = lingering
  expect(await once(child, 'message')).toContain('ready')
  const ended = once(child, 'message')
  child.kill('SIGINT')
  expect(await ended).toContain('ended')
  child.kill('SIGINT')
  child.send('go on')
  expect(await lingering.ended).toBe(0)
  expect(lingering.output()).toContain('"SIGINT: the services stop, and a second signal cuts them"')
}, 30_000)
