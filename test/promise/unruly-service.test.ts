import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { desk } from './fixture/unruly-contract.ts'
import { openChannel } from './shop.ts'
import { type OwnProcess, runFile } from '../support/own-process.ts'

const fixture = (name: string) => join(import.meta.dirname, 'fixture', name)

/** The unruly service once it is ready. */
interface UnrulyProcess extends OwnProcess {
  /** `http://127.0.0.1:12345` */
  readonly url: string
  /** `127.0.0.1:12345` */
  readonly grpc: string
  told(what: string): boolean
}

async function startUnruly(hangs: string): Promise<UnrulyProcess> {
  const unruly = runFile(fixture('unruly-service.ts'), { HANGS: hangs })
  const messages: unknown[] = []
  unruly.child.on('message', (message) => messages.push(message))
  const addresses = await eventually(
    () => {
      const found = messages.find(Array.isArray)
      if (!found) throw new Error(`it is not ready, but printed:\n${unruly.output()}`)
      return found as readonly Address[]
    },
    { timeoutMs: 30_000 },
  )
  const at = (name: string) => `127.0.0.1:${addresses.find(({ protocol }) => protocol === name)?.port}`
  return { ...unruly, url: `http://${at('http')}`, grpc: at('grpc'), told: (what) => messages.includes(what) }
}

describe('what hangs and heeds no signal', { timeout: 60_000, concurrent: true }, () => {
  test('hooks and a provider: the process ends by its deadline, with exit code 1, and its log names them', async () => {
    await using unruly = await startUnruly('onDrain,onStop,dispose')
    unruly.child.kill('SIGTERM')
    expect(await unruly.ended).toBe(1)
    for (const who of ['onDrain hook pause failed', 'onStop hook flush failed', 'database could not be disposed'])
      expect(unruly.output()).toContain(`${who}: no end within`)
    expect(unruly.output()).toContain('"unruly has stopped"')
  })

  test('a call, streams and a consumer: the process ends by its deadline, with exit code 1, and its log names them', async ({
    onTestFinished,
  }) => {
    await using unruly = await startUnruly('call,stream,consumer')
    void fetch(`${unruly.url}/v1/wait`).catch(() => undefined)
    const { body } = await fetch(`${unruly.url}/v1/notes:watch`)
    void body?.pipeTo(new WritableStream()).catch(() => undefined)
    const channel = openChannel(desk, unruly.grpc)
    onTestFinished(() => channel.close())
    void readAll(buildClient(desk, channel).watch({})).catch(() => undefined)
    const begun = ['consuming', 'streaming over http', 'streaming over grpc']
    await eventually(() => expect(begun.every(unruly.told)).toBe(true))
    unruly.child.kill('SIGTERM')
    expect(await unruly.ended).toBe(1)
    for (const who of ['shop.DeskService/wait failed', 'shop.noted.v1']) expect(unruly.output()).toContain(who)
    expect(unruly.output().match(/shop\.DeskService\/watch failed/g)).toHaveLength(2)
    expect(unruly.output()).toContain('"unruly has stopped"')
  })

  test('a hook of the start: it is given up by its deadline, with exit code 1, and its log names it', async () => {
    await using unruly = runFile(fixture('unruly-service.ts'), { HANGS: 'onReady' })
    expect(await unruly.ended).toBe(1)
    expect(unruly.output()).toContain('onReady hook greet failed: no end within')
    expect(unruly.errors()).toMatch(
      /(^|\n)unruly could not start: onReady hook greet failed: no end within \d+ ms \[service\.hook_failed\]\n$/,
    )
  })
})

test.concurrent('an error that nobody caught is logged once with its stack and drains what runs, exit code 1; a second one cuts nothing', {
  timeout: 60_000,
}, async () => {
  await using unruly = await startUnruly('held')
  const answer = fetch(`${unruly.url}/v1/wait`)
  await eventually(() => expect(unruly.told('consuming')).toBe(true))
  unruly.child.send('reject')
  await unruly.printed('"unruly drains"')
  unruly.child.send('throw')
  await unruly.printed('"nobody caught another error either"')
  unruly.child.send('go on')
  expect((await answer).status).toBe(200)
  expect(await unruly.ended).toBe(1)
  const output = unruly.output()
  for (const message of ['nobody handles it', 'nobody catches it'])
    expect(output.match(new RegExp(`"message":"${message}","stack":`, 'g'))).toHaveLength(1)
  expect(output).toContain(
    '"exitCode":0,"cutCallCount":0,"cutAnswerCount":0,"abandonedCallCount":0,"msg":"unruly has stopped"',
  )
  expect(unruly.errors()).toBe('')
})

test.concurrent('SIGHUP, of a terminal that is closed, drains', { timeout: 60_000 }, async () => {
  await using unruly = await startUnruly('')
  unruly.child.kill('SIGHUP')
  expect(await unruly.ended).toBe(0)
  expect(unruly.output()).toContain('"unruly has stopped"')
})

test.concurrent('services of one process: one that is idle does not end the other, whose call is answered, and the exit code is 0', {
  timeout: 60_000,
}, async () => {
  await using both = runFile(fixture('idle-and-busy-service.ts'))
  const [url] = (await once(both.child, 'message')) as [string]
  const answer = fetch(url)
  await once(both.child, 'message')
  both.child.kill('SIGTERM')
  // Its defect was that the idle server ended the process of both.
  await both.printed('"idle drains"')
  both.child.send('go on')
  expect(await (await answer).text()).toBe('{"text":"done"}')
  expect(await both.ended).toBe(0)
  for (const name of ['idle', 'busy']) expect(both.output()).toContain(`"${name} has stopped"`)
})

test.concurrent('a service dies with the tool that started it, outside production', { timeout: 60_000 }, async () => {
  await using tool = runFile(fixture('orphaned-service.ts'))
  const [processId] = (await once(tool.child, 'message')) as [number]
  expect(isAlive(processId)).toBe(true)
  tool.child.kill('SIGKILL')
  await eventually(() => expect(isAlive(processId)).toBe(false), { timeoutMs: 30_000 })
})

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}
