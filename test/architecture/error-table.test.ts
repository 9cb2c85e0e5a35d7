import { errorCodes, setupErrorCodes } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { packageNames, readText, sourcesOf } from './source-file.ts'

/** `docs/error.md`, as the code tables have it. */
function errorDocument(): string {
  const calls = Object.entries(errorCodes).map(([code, number]) => `| \`${code}\` | ${number} |`)
  const setup = Object.entries(setupErrorCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  return [
    '# Errors',
    '',
    'Generated from `packages/core/src/error`; `npx vitest run test/architecture/error-table -u` writes it anew.',
    '',
    '## Codes of a call',
    '',
    'A call fails with one of these, on every transport. What each becomes over HTTP and on a queue is in',
    '[design.md](design.md), section 3.',
    '',
    '| code | gRPC status |',
    '| --- | --- |',
    ...calls,
    '',
    '## Codes of a set-up error',
    '',
    'A service that is put together wrongly does not start. `ConfigError`, `ContractError`, `WiringError` and',
    '`LifecycleError` carry a list of problems, each with one of these codes.',
    '',
    '| code | meaning |',
    '| --- | --- |',
    ...setup,
    '',
  ].join('\n')
}

describe('the error tables', () => {
  it('are what docs/error.md says', async () => {
    await expect(errorDocument()).toMatchFileSnapshot('../../docs/error.md')
  })

  it('are what docs/design.md says of codes and their gRPC numbers', () => {
    const named = [...readText('docs', 'design.md').matchAll(/\b([a-z_]+) \((\d+)\)/g)]
    const told = new Map(named.map(([, code = '', number = '']) => [code, Number(number)]))
    expect(Object.fromEntries([...told].filter(([code]) => code in errorCodes))).toEqual(errorCodes)
  })

  it('hold no set-up code that nothing reports', () => {
    const texts = packageNames()
      .flatMap((name) => sourcesOf(name).map(({ path }) => [name, path] as const))
      .filter(([, path]) => path !== 'error/setup-error-code.ts')
      .map(([name, path]) => readText('packages', name, 'src', path))
    const unused = Object.keys(setupErrorCodes).filter((code) => !texts.some((text) => text.includes(`'${code}'`)))
    expect(unused).toEqual([])
  })
})
