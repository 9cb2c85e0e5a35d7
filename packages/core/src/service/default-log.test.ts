import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkLog, defaultLog, type LogOptions } from './default-log.ts'

/** The lines that a program writes with a logger of its own process, whose standard output is a pipe of ours. */
function linesOf(program: string, options: LogOptions = {}, environment = {}): readonly object[] {
  const source = `
    const { defaultLog } = await import(${JSON.stringify(join(import.meta.dirname, 'default-log.ts'))})
    const log = defaultLog('user', ${JSON.stringify(environment)}, ${JSON.stringify(options)})
    ${program}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as object)
}

describe('the default log', () => {
  it('writes JSON lines with the name of the service and what its children add, once each', () => {
    const lines = linesOf(`log.child({ callId: 'c', operation: 'o' }).info({ n: 1 }, 'done')`)
    expect(lines).toEqual([
      { level: 30, time: expect.any(Number), service: 'user', callId: 'c', operation: 'o', n: 1, msg: 'done' },
    ])
  })

  it('shows an error with its stack and its cause', () => {
    const [line] = linesOf(`log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')`)
    expect(line).toMatchObject({
      err: { message: expect.stringContaining('inner'), stack: expect.stringContaining('outer') },
    })
  })

  it.each<[LogOptions, object, readonly string[]]>([
    [{}, {}, ['info', 'error']],
    [{ level: 'debug' }, {}, ['debug', 'info', 'error']],
    [{ level: 'debug' }, { LOG_LEVEL: 'error' }, ['error']],
    [{ level: 'error' }, { LOG_LEVEL: '' }, ['error']],
    [{}, { LOG_LEVEL: 'silent' }, []],
    [{}, { LOG_LEVEL: 'loud' }, ['info', 'error']],
  ])('with options %j and environment %j writes %j', (options, environment, expected) => {
    const lines = linesOf(`for (const level of ['debug', 'info', 'error']) log[level]({}, level)`, options, environment)
    expect(lines).toMatchObject(expected.map((msg) => ({ msg })))
    expect(lines).toHaveLength(expected.length)
  })

  it('writes *** in the place of fields whose paths are to be redacted, also in children', () => {
    const lines = linesOf(
      `log.info({ password: 'hunter2', user: { token: 'hunter2', id: 1 } })
       log.child({ password: 'hunter2' }).child({ user: { token: 'hunter2' } }).info({ headers: { 'x-key': 'hunter2' } })`,
      { redact: ['password', '*.token', 'headers["x-key"]'] },
    )
    expect(lines).toMatchObject([
      { password: '***', user: { token: '***', id: 1 } },
      { password: '***', user: { token: '***' }, headers: { 'x-key': '***' } },
    ])
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  it('keeps the sound options when another one is not', () => {
    expect(() => defaultLog('user', {}, { redact: ['a b', ''] })).not.toThrow()
  })
})

describe('checkLog', () => {
  it('finds nothing wrong with what fits', () => {
    expect(checkLog({})).toEqual([])
    expect(checkLog({ LOG_LEVEL: 'silent' }, { level: 'trace', redact: ['a', '*.b'], calls: 'none' })).toEqual([])
  })

  it('names everything that does not fit, at once', () => {
    const options: object = { level: 'loud', redact: ['ok', 'a b c[', 5], calls: 'some' }
    expect(checkLog({}, options).map(({ message }) => message)).toEqual([
      'log.level: expected one of trace, debug, info, warn, error, fatal, silent, found "loud"',
      expect.stringMatching(/^log\.redact: expected paths such as \*\.token, found "a b c\[": /),
      expect.stringMatching(/^log\.redact: expected paths such as \*\.token, found 5: /),
      'log.calls: expected one of all, failed, none, found "some"',
    ])
    expect(checkLog({ LOG_LEVEL: 'LOUD' }, { level: 'info' })).toMatchObject([
      { code: 'config.malformed', message: expect.stringMatching(/^LOG_LEVEL: expected .* found "LOUD"$/) },
    ])
  })
})
