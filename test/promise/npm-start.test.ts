import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '@tenon/testing'
import { describe, expect, test } from 'vitest'
import { type NpmStart, npmStart } from './npm-start.ts'
import { type OwnProcess, run, temporaryFolder } from '../support/own-process.ts'
import { embedded, freePort, freePorts } from './shop.ts'

/** `script` of util-linux gives a command a terminal. */
const noTerminal = spawnSync('script', ['--version']).status === 0 ? undefined : 'there is no program script'

describe('npm start', { timeout: 60_000 }, () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'makes its folder, and ends both services well on %s, the order service first',
    async (signal) => {
      await using npm = await npmStart({ DATA_DIR: join(await temporaryFolder(), 'shop', 'data') })
      npm.child.kill(signal)
      expect(await npm.ended).toBe(0)
      const stopped = Array.from(npm.output().matchAll(/"(user|order) has stopped"/g), ([, name]) => name)
      expect(stopped).toEqual(['order', 'user'])
      expect(wordsOf(npm)).toBe('')
    },
  )

  test('leaves the lines of the logs as they are where no terminal shows them: JSON that names the service', async () => {
    await using npm = await npmStart({ DATA_DIR: await temporaryFolder() })
    npm.child.kill('SIGTERM')
    expect(await npm.ended).toBe(0)
    const lines = npm
      .output()
      .split('\n')
      .filter((line) => line.includes('"level":'))
    const names = lines.map((line) => Reflect.get(Object(JSON.parse(line)), 'service') as unknown)
    expect(new Set(names)).toEqual(new Set(['user', 'order']))
  })

  test.skipIf(noTerminal)(
    `puts the name of the service before each line of its log at a terminal, in colour${noTerminal ? ` (skipped: ${noTerminal})` : ''}`,
    async () => {
      const places = { DATA_DIR: await temporaryFolder(), USER_GRPC_PORT: String(await freePort()) }
      const environment = { ...freePorts, ...embedded, ...places, FORCE_COLOR: '1' }
      await using terminal = run('script', ['-qefc', 'npm start', '/dev/null'], environment)
      await terminal.printed('Try:')
      process.kill(Number(/^user .* process (\d+)/m.exec(terminal.output())?.[1]), 'SIGTERM')
      expect(await terminal.ended).toBe(0)
      const lines = terminal
        .output()
        .split('\r\n')
        .filter((line) => line.includes('"level":'))
      const labels = lines.map((line) => line.slice(0, line.indexOf('{')))
      expect(new Set(labels)).toEqual(new Set(['\u001b[36muser  |\u001b[39m ', '\u001b[35morder |\u001b[39m ']))
    },
  )

  test.each([
    ['user', 'order'],
    ['order', 'user'],
  ])('says that %s was killed, drains %s, and ends with the code of the first', async (killed, other) => {
    await using npm = await npmStart({ DATA_DIR: await temporaryFolder() })
    process.kill(npm.processId(killed), 'SIGKILL')
    expect(await npm.ended).toBe(137)
    expect(wordsOf(npm)).toBe(`${killed} ended by itself (SIGKILL), so ${other} is stopped too`)
    expect(npm.output()).toContain(
      `"exitCode":0,"cutCallCount":0,"cutAnswerCount":0,"abandonedCallCount":0,"msg":"${other} has stopped"`,
    )
  })

  test('drains both services when what started them is killed', async () => {
    await using npm = await npmStart({ DATA_DIR: await temporaryFolder() })
    process.kill(-(npm.child.pid ?? 0), 'SIGKILL')
    // The output ends with the last process that holds it.
    await npm.ended
    for (const service of ['user', 'order']) expect(npm.output()).toContain(`"${service} has stopped"`)
  })

  test('a second signal cuts what the first one drains', async () => {
    await using npm = await npmStart({ DATA_DIR: await temporaryFolder() })
    // The order service waits for the user service, which does not answer.
    process.kill(npm.processId('user'), 'SIGSTOP')
    const waiting = Promise.allSettled([placeOrder(npm.http('order'))])
    await eventually(async () => expect(await runningCallCount(npm)).toBe(1))
    npm.child.kill('SIGTERM')
    await npm.printed('"order drains"')
    // A signal that follows within an instant is taken for the same one.
    await eventually(
      () => {
        if (!isAlive(npm.processId('order'))) return
        npm.child.kill('SIGTERM')
        throw new Error('the order service still runs')
      },
      { intervalMs: 50 },
    )
    expect(await npm.ended).toBe(137)
    expect(await waiting).toMatchObject([{ status: 'rejected' }])
  })

  test('names the folder in which nothing can be written, once and last', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    await using npm = run('npm', ['start'], { ...freePorts, ...embedded, DATA_DIR: join(file, 'data') })
    expect(await npm.ended).toBe(1)
    expect(wordsOf(npm)).toMatch(
      new RegExp(`^the shop could not start: nothing can be written in the folder ${file}/data \\(.*DATA_DIR$`),
    )
  })

  test('names the queue file that is a folder', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'queue'))
    const places = { DATA_DIR: folder, QUEUE_FILE: join(folder, 'queue') }
    await using npm = run('npm', ['start'], { ...freePorts, ...embedded, ...places })
    expect(await npm.ended).toBe(1)
    expect(npm.errors()).toMatch(new RegExp(`could not start: .*${folder}/queue is a folder`))
  })

  test('refuses to keep messages in memory, which the other process would never see', async () => {
    await using npm = run('npm', ['start'], { ...freePorts, ...embedded, DATA_DIR: ':memory:' })
    expect(await npm.ended).toBe(1)
    expect(wordsOf(npm)).toMatch(/^the shop could not start: .*would not reach the other; name .*KAFKA_BROKERS$/)
  })
})

function placeOrder(url: string): Promise<Response> {
  const order = { userId: randomUUID(), items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/v1/orders`, { method: 'POST', headers, body: JSON.stringify(order) })
}

async function runningCallCount(npm: NpmStart): Promise<unknown> {
  const response = await fetch(`${npm.admin('order')}/info`)
  return Reflect.get(Object(await response.json()), 'runningCallCount')
}

/** What was said on standard error, without npm's own warnings. */
function wordsOf({ errors }: OwnProcess): string {
  const lines = errors().trimEnd().split('\n')
  return lines.filter((line) => !line.startsWith('npm ')).join('\n')
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}
