import { errorCodes, setupErrorCodes } from '@tenon/core'
import { isErrorCode } from '@tenon/core/transport'
import { dispositions } from '@tenon/transport-queue'
import { describe, expect, it } from 'vitest'
import { packageNames, readText, sourcesOf } from './source-file.ts'

/** `docs/error.md`, as the code tables have it. */
function errorDocument(): string {
  const calls = codes.map((code) => `| \`${code}\` | ${errorCodes[code]} | ${toWords(dispositions[code])} |`)
  const setup = Object.entries(setupErrorCodes).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  return [
    '# Errors',
    '',
    'Generated from `packages/core/src/error`; `npx vitest run test/architecture/error-table -u` writes it anew.',
    '',
    '## Codes of a call',
    '',
    'A call fails with one of these, on every transport. What each becomes over HTTP is in [design.md](design.md), section 3.',
    'On a queue, unless its consumer says otherwise (`failures`), a message that fails is handled again a limited number of',
    'times (retry), handled again uncounted until it is too old (wait), or a dead letter at once.',
    '',
    '| code | gRPC status | on a queue |',
    '| --- | --- | --- |',
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

const codes = Object.keys(errorCodes).filter((code) => isErrorCode(code))

function toWords(disposition: string): string {
  return disposition.replace('_', ' ')
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

  it('are what docs/design.md says of codes on a queue', () => {
    const rows = [...readText('docs', 'design.md').matchAll(/^\| ([a-z_]+ \(\d+\).*) \| .* \| (.*) \|$/gm)]
    const told = rows.flatMap(([, names = '', words = '']) =>
      [...names.matchAll(/([a-z_]+) \(/g)].map(([, code = '']) => [code, words] as const),
    )
    const expected = codes.map((code) => [code, toWords(dispositions[code])] as const)
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(expected))
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
