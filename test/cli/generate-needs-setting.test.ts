import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { tenon } from './tenon.ts'

/** What it calls is where the required setting USER_ADDRESS says. */
const calling = 'test/docker/fixture/calling/service.js'
const address = 'static:///user:50051'

describe('a service that cannot be described without a setting', () => {
  test.each([
    ['docker', 'calling cannot be described without: give it by --set NAME=value'],
    ['compose', 'calling cannot be described without: give it in its file of settings, or by --set NAME=value'],
  ])('generate %s says how to give it, and then takes it', async (kind, hint) => {
    const args = ['generate', kind, calling, '--out', await temporaryFolder()]
    const refused = await tenon(...args)
    expect(refused.exitCode).toBe(1)
    expect(refused.errors).toContain('USER_ADDRESS')
    expect(refused.errors).toContain(hint)
    const { exitCode, errors } = await tenon(...args, '--set', `USER_ADDRESS=${address}`)
    expect(exitCode, errors).toBe(0)
  })

  test('generate kubernetes begins the settings of a place with what was given, and reads them from there', async () => {
    const out = await temporaryFolder()
    const args = ['generate', 'kubernetes', calling, '--out', out, '--overlay', 'local']
    const refused = await tenon(...args)
    expect(refused.exitCode).toBe(1)
    expect(refused.errors).toContain('give it in its file of settings, or by --set NAME=value')
    const first = await tenon(...args, '--set', `USER_ADDRESS=${address}`)
    expect(first).toMatchObject({ exitCode: 0, errors: '' })
    expect(await readFile(join(out, 'overlays/local/config.env'), 'utf8')).toContain(`\nUSER_ADDRESS=${address}\n`)
    expect(await readFile(join(out, 'overlays/local/network-policy.yaml'), 'utf8')).toContain('user:50051')
    expect(await tenon(...args, '--check')).toMatchObject({ exitCode: 0, errors: '' })
  })

  test('generate compose reads it from the file of settings', async () => {
    const out = await temporaryFolder()
    await writeFile(join(out, 'calling.env'), `USER_ADDRESS=${address}\n`)
    const { exitCode, errors } = await tenon('generate', 'compose', calling, '--out', out)
    expect(exitCode, errors).toBe(0)
  })
})
