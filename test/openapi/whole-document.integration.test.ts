import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { libraryService } from './library.ts'
import { chooseSeed, trySchemathesis } from './schemathesis.ts'
import { runTool, toolAbsence } from '../support/tool.ts'

const absence = toolAbsence('schemathesis', 'redocly', 'spectral')
const seed = chooseSeed()

async function startLibrary() {
  const started = await libraryService.start({ environment: { LOG_LEVEL: 'silent' } })
  const [address] = started.addresses
  const url = `http://127.0.0.1:${address?.port}/api/openapi.json`
  return { url, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

describe.skipIf(absence)(`a document with all there is${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('is valid', async () => {
    await using library = await startLibrary()
    const folder = await temporaryFolder()
    const signal = AbortSignal.timeout(50_000)
    await writeFile(join(folder, 'openapi.json'), await (await fetch(library.url)).text())
    await writeFile(join(folder, '.spectral.yaml'), 'extends: ["spectral:oas"]\n')
    const redocly = ['redocly', 'lint', '--extends=recommended-strict', 'openapi.json'] as const
    const spectral = ['spectral', 'lint', '--fail-severity=hint', 'openapi.json'] as const
    for (const command of [redocly, spectral]) {
      const { code, output } = await runTool(command, { folder, signal })
      expect(code, output).toBe(0)
    }
  })

  test(`tells the truth (seed ${seed})`, { timeout: 300_000 }, async ({ signal }) => {
    await using library = await startLibrary()
    // What fits the schema may ask for bytes or versions that are not there, or for a book in the place of another.
    const settings = `
[[operations]]
include-operation-id = "library.v1.LibraryService_readCover"
checks.positive_data_acceptance.expected-statuses = ["2xx", 416]

[[operations]]
include-operation-id = "library.v1.LibraryService_putBook"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 412]
`
    const headers = { Authorization: 'Bearer editor' }
    const { code, output } = await trySchemathesis({ ...library, seed, exampleCount: 100, settings, headers, signal })
    expect(code, output).toBe(0)
  })
})
