import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { type OwnProcess, runFile } from '../support/own-process.ts'

interface Worker extends OwnProcess {
  /** What its probe answers: status and reasons. */
  probe(name: 'livez' | 'readyz' | 'startupz'): Promise<readonly [status: number, body: string]>
}

/** A worker of one kind once it works. */
async function startWorker(kind: string, outcome = ''): Promise<Worker> {
  const worker = runFile(join(import.meta.dirname, 'fixture/worker-service.ts'), { WORKER: kind, OUTCOME: outcome })
  const messages: unknown[] = []
  worker.child.on('message', (message) => messages.push(message))
  await eventually(
    () => expect(messages, worker.output()).toEqual(expect.arrayContaining(['working', expect.any(Array)])),
    { timeoutMs: 30_000 },
  )
  const addresses = messages.find(Array.isArray) as readonly Address[]
  // Nothing but the probes can be reached.
  expect(addresses.map(({ protocol }) => protocol)).toEqual(['admin'])
  const probe: Worker['probe'] = async (name) => {
    const response = await fetch(`http://127.0.0.1:${addresses[0]?.port}/${name}?verbose`)
    return [response.status, await response.text()]
  }
  return { ...worker, probe }
}

/** Each is a process more; the pipeline has time for one of each kind. `.ci/soak` sets it. */
const isLong = process.env['TENON_WORKERS'] === 'all'

describe('a worker without any server', { timeout: 60_000, concurrent: true }, () => {
  test.each(['queue', 'schedule', 'task'])(
    'with nothing but a %s answers its probes, and ends with exit code 0 when what it works on has ended',
    async (kind) => {
      await using worker = await startWorker(kind)
      for (const name of ['livez', 'readyz', 'startupz'] as const) expect((await worker.probe(name))[0]).toBe(200)
      worker.child.kill('SIGTERM')
      await worker.printed('"worker drains"')
      expect([(await worker.probe('readyz'))[0], (await worker.probe('livez'))[0]]).toEqual([503, 200])
      worker.child.send('go on')
      expect(await worker.ended).toBe(0)
      expect(worker.output()).toContain(
        '"cutCallCount":0,"cutAnswerCount":0,"abandonedCallCount":0,"msg":"worker has stopped"',
      )
      expect(worker.errors()).toBe('')
    },
  )

  test('is not live, and says why, when its task fails for good; its drain ends with exit code 1', async () => {
    await using worker = await startWorker('task', 'fails')
    await eventually(async () => {
      const [status, body] = await worker.probe('livez')
      expect(status).toBe(503)
      expect(body).toContain('the shelf is gone')
    })
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toBe(1)
    expect(worker.output()).toContain('background task relay failed for good')
  })

  test.runIf(isLong).each([
    ['queue', '"cutCallCount":1'],
    ['schedule', '"cutCallCount":1'],
    ['task', 'background task relay has not ended although its signal fired'],
  ])('with nothing but a %s that hangs ends by its deadline, with exit code 1, and names it', async (kind, named) => {
    await using worker = await startWorker(kind, 'hangs')
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toBe(1)
    expect(worker.output()).toContain(named)
  })

  test.runIf(isLong).each(['schedule', 'task'])('with nothing but a %s is cut by a second signal', async (kind) => {
    await using worker = await startWorker(kind)
    worker.child.kill('SIGTERM')
    await worker.printed('"worker drains"')
    // One that comes at once is taken for the same.
    await eventually(() => {
      worker.child.kill('SIGINT')
      expect(worker.child.exitCode).toBe(1)
    })
  })

  test.runIf(isLong)('goes on when the runs of its schedule fail', async () => {
    await using worker = await startWorker('schedule', 'fails')
    await eventually(() => expect(worker.output().split('"schedule tidy failed"').length).toBeGreaterThan(3))
    expect((await worker.probe('livez'))[0]).toBe(200)
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
  })
})
