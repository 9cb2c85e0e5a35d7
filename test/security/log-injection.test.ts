import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const source = join(import.meta.dirname, '../../packages/core/src/service/default-log.ts')
const forged = 'ann\r\n{"level":50,"msg":"forged"}\u2028\u001b[2J'

it('a line feed in what callers send begins no line of the log', () => {
  const program = `
    const { defaultLog } = await import(${JSON.stringify(source)})
    const log = defaultLog('user', {}, {})
    const forged = ${JSON.stringify(forged)}
    log.child({ callId: forged }).error({ name: forged, err: new Error(forged) }, forged)`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' })
  expect(stdout.split(/[\r\n]+/)).toEqual([expect.any(String), ''])
  expect(JSON.parse(stdout)).toMatchObject({ callId: forged, name: forged, msg: forged })
  expect(stdout).not.toContain('\u001b')
})
