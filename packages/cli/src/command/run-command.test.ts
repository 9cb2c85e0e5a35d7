import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { recordedTerminal } from '../terminal.test-harness.ts'
import { runCommand } from './run-command.ts'

async function tenon(...args: readonly string[]) {
  const terminal = recordedTerminal()
  const exitCode = await runCommand(args, { terminal, childFile: 'none' })
  return { exitCode, printed: terminal.printed(), complained: terminal.complained() }
}

/** An HTTP server of the test, and what the options of a probe call it. */
async function probed(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    options: ['--port', String(port)] as const,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('tenon', () => {
  it('lists its commands', async () => {
    const { exitCode, printed } = await tenon('help')
    expect(exitCode).toBe(0)
    const generators = ['compose', 'docker', 'kubernetes'].map((what) => `generate ${what}`)
    for (const command of ['check', 'describe', 'probe', ...generators, 'doctor', 'verify drain'])
      expect(printed).toContain(`  ${command} `)
  })

  it('tells of a command what it does and which options it has, by either word', async () => {
    const { printed } = await tenon('help', 'probe')
    expect(printed).toContain('--timeout-ms <ms>')
    expect(await tenon('probe', '--help')).toMatchObject({ exitCode: 0, printed })
  })

  it.each([
    [[], 'tenon <command>'],
    [['chekc'], 'expected a command (check, describe, '],
    [['check'], 'expected one file of a service, found none'],
    [['check', 'a.ts', 'b.ts'], 'found a.ts b.ts'],
    [['check', 'a.ts', '--expotr', 'x'], "Unknown option '--expotr'; the options are --export, --json"],
    [['probe', 'well'], 'expected live, ready or startup, found "well"'],
    [['probe', 'live', '--port', '0x10'], '--port: expected a whole number from 1 to 65535, found "0x10"'],
    [['verify'], 'verify drain), found "verify"'],
    [['generate', 'kubernetes', 'a.ts', '--image', 'user'], '--image: expected a name with a tag'],
    [['generate', 'kubernetes', 'a.ts', '--image', 'reg:5000/user'], '--image: expected a name with a tag'],
    [['generate', 'kubernetes', 'a.ts', '--replicas', '3-2'], '--replicas: expected min-max such as 2-6, found "3-2"'],
    [['generate', 'kubernetes', 'a.ts', '--replicas', '0-2'], '--replicas: expected min-max'],
    [['generate', 'kubernetes', 'a.ts', '--overlay', 'a,../b'], '--overlay: expected names such as local,production'],
    [['generate', 'kubernetes', 'a.ts', '--part-of', 'a b'], "--part-of: expected a label's value"],
    [['generate', 'kubernetes', 'a.ts', '--metrics-port', '0'], '--metrics-port: expected a whole number from 1'],
    [['verify', 'drain'], 'expected one or more files of services, found none'],
    [['verify', 'drain', 'a.ts', '--restarts', '0'], '--restarts: expected a whole number from 1 to 10000, found "0"'],
    [
      ['verify', 'drain', 'a.ts', '--readiness', '/x'],
      '--readiness: expected a protocol and a path such as http:/healthz',
    ],
    [['probe', 'live', '--path', 'readyz'], '--path: expected a path such as /readyz'],
  ])('exits with 2 for %j, and says what was expected', async (args, expected) => {
    const { exitCode, printed, complained } = await tenon(...args)
    expect(exitCode).toBe(2)
    expect(printed + complained).toContain(expected)
  })

  it('tells wrong usage as JSON too where that was asked for', async () => {
    const { printed } = await tenon('probe', 'well', '--json')
    expect(JSON.parse(printed)).toEqual({ error: 'expected live, ready or startup, found "well"' })
  })
})

describe('tenon probe', () => {
  it('passes and fails with the answer of the service, at the path of its kind', async () => {
    await using server = await probed(({ url }, response) => response.writeHead(url === '/livez' ? 200 : 503).end('{}'))
    expect(await tenon('probe', 'live', ...server.options)).toMatchObject({ exitCode: 0, printed: 'live: passes' })
    expect(await tenon('probe', 'ready', ...server.options)).toMatchObject({
      exitCode: 1,
      printed: 'ready: fails (status 503)',
    })
    const { exitCode, printed } = await tenon('probe', 'startup', ...server.options, '--path', '/livez', '--json')
    expect({ exitCode, found: JSON.parse(printed) }).toEqual({
      exitCode: 0,
      found: { probe: 'startup', ok: true, status: 200 },
    })
  })

  it('fails where nobody answers in time, or nobody is there', async () => {
    await using server = await probed(() => undefined)
    expect(await tenon('probe', 'live', ...server.options, '--timeout-ms', '20')).toMatchObject({
      exitCode: 1,
      printed: 'live: fails (no answer within 20 ms)',
    })
    expect(await tenon('probe', 'live', '--port', '1')).toMatchObject({ exitCode: 1 })
  })
})
