import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { outcomeOf, startTerminus, type TerminusKind } from './terminus-process.ts'

/** Longer than terminus gives requests unless it is told otherwise. */
const slowMs = '1200'

/** @returns a process with a request under way at one of its servers. */
async function startBusy(kind: TerminusKind, environment: Readonly<Record<string, string>> = {}) {
  const servers = await startTerminus(kind, environment)
  const answer = outcomeOf(`${servers.busy}/slow`)
  await eventually(() => expect(servers.count('arrived')).toBe(1))
  return { ...servers, answer }
}

describe.concurrent('@godaddy/terminus 4.12.1', { timeout: 60_000 }, () => {
  test('cuts a request a second after SIGTERM, and the process ends by a signal', async () => {
    await using busy = await startBusy('bare', { SLOW_MS: slowMs })
    busy.process.child.kill('SIGTERM')
    expect([await busy.answer, await busy.process.ended]).toEqual(['lost', 'SIGTERM'])
  })

  test('ends the process when the first of two servers has closed, if the exit code is to be 0', async () => {
    await using busy = await startBusy('bare with useExit0')
    busy.process.child.kill('SIGTERM')
    expect([await busy.answer, await busy.process.ended]).toEqual(['lost', 0])
  })

  test('waits for ever for beforeShutdown, whatever signals come', async () => {
    await using servers = await startTerminus('bare', { HANGS: 'beforeShutdown' })
    for (const count of [1, 2, 3]) {
      servers.process.child.kill('SIGTERM')
      await eventually(() => expect(servers.count('signal')).toBe(count))
    }
    expect(servers.count('hanging')).toBe(2)
    expect(await outcomeOf(servers.busy)).toBe('busy')
  })
})

describe.concurrent('terminusOptions', { timeout: 60_000 }, () => {
  test('lets a request finish that takes longer, and the process ends with code 0', async () => {
    await using busy = await startBusy('one service', { SLOW_MS: slowMs })
    busy.process.child.kill('SIGTERM')
    expect([await busy.answer, await busy.process.ended]).toEqual(['busy', 0])
  })

  test('keeps the process until the servers of all services are done', async () => {
    await using busy = await startBusy('two services')
    busy.process.child.kill('SIGTERM')
    await eventually(async () => expect(await outcomeOf(busy.idle)).toBe('lost'))
    expect(busy.process.child.exitCode).toBe(null)
    busy.release()
    expect([await busy.answer, await busy.process.ended]).toEqual(['busy', 0])
    expect(busy.process.output()).not.toContain('keeps the process alive')
  })

  test('goes on without a beforeShutdown that hangs, and says who it was', async () => {
    await using servers = await startTerminus('one service', { HANGS: 'beforeShutdown', SHUTDOWN_MS: '500' })
    servers.process.child.kill('SIGTERM')
    expect(await servers.process.ended).toBe(1)
    expect(servers.count('hanging')).toBe(2)
    for (const name of ['busy', 'idle']) expect(servers.process.output()).toContain(`${name} beforeShutdown`)
  })
})
