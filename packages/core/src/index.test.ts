import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('does nothing when it is imported but name the symbol that compilers keep decorator metadata under', async () => {
  // In a process of its own, where nothing else runs: the sources need no compiling, Node strips their types.
  const program = `
    const before = process.eventNames().length
    const core = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))})
    const resources = process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|TCP|Server/.test(name))
    console.log(JSON.stringify({
      newListeners: process.eventNames().length - before,
      resources,
      isNamed: Symbol.metadata === Symbol.for('Symbol.metadata'),
      hasDefault: 'default' in core,
    }))
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  expect(JSON.parse(stdout)).toEqual({ newListeners: 0, resources: [], isNamed: true, hasDefault: false })
})
