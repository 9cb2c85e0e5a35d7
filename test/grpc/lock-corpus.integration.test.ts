import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runTool, toolAbsence } from '../support/tool.ts'
import { type Change, changes } from './lock-corpus/index.ts'
import { replay } from './lock-corpus/replay.ts'

const absence = toolAbsence('buf')
const timeoutMs = 60_000

type Rules = 'WIRE_JSON' | 'WIRE' | 'PACKAGE'

const rulesOf = ({ rules }: Change): Rules => rules ?? 'WIRE_JSON'

/** Where a change is in the folder: a package of its own. */
const ownerOf = (index: number) => `change${index + 1}.v1`
const pathOf = (index: number) => join(ownerOf(index).replaceAll('.', '/'), 'user_service.proto')

/** What buf says of a file, by the file's path. */
type Findings = ReadonlyMap<string, readonly string[]>

describe.skipIf(absence !== undefined)(
  `buf agrees with the lock${absence === undefined ? '' : ` (${absence})`}`,
  () => {
    let folder = ''
    let lint: Findings
    const breaking = new Map<Rules, Findings>()

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tenon-lock-'))
      for (const [index, change] of changes.entries()) {
        const { committed, merged, careless } = replay(change, ownerOf(index))
        await put(join(folder, 'before', pathOf(index)), committed)
        // What we refuse is written as an author without a lock would write it.
        await put(join(folder, 'after', pathOf(index)), merged ?? careless)
      }
      lint = await buf(folder, ['lint'])
      for (const rules of ['WIRE_JSON', 'WIRE', 'PACKAGE'] as const) {
        const config = JSON.stringify({ version: 'v2', breaking: { use: [rules] } })
        breaking.set(rules, await buf(folder, ['breaking', '--against', '../before', '--config', config]))
      }
    }, timeoutMs)

    afterAll(() => rm(folder, { recursive: true, force: true }))

    test.each(changes.map((change, index) => [change.verdict, change.name, change, index] as const))(
      '%s: %s',
      (verdict, _, change, index) => {
        const found = breaking.get(rulesOf(change))?.get(pathOf(index)) ?? []
        const said = found.length > 0 ? 'breaking' : 'compatible'
        if (change.unlikeBuf === undefined) expect(said, found.join('\n')).toBe(verdict)
        else expect(said, 'buf now says what we say').not.toBe(verdict)
      },
    )

    test('every file keeps the standard rules of style', () => expect(Object.fromEntries(lint)).toEqual({}))

    test(
      'every file has the format that buf would give it',
      async () => {
        const { code, output } = await run(folder, ['format', '--diff', '--exit-code'])
        expect([code, output]).toEqual([0, ''])
      },
      timeoutMs,
    )
  },
)

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

/** In the folder of the files of afterwards, which is one module for buf. */
function run(folder: string, args: readonly string[]) {
  return runTool(['buf', ...args], { folder: join(folder, 'after'), signal: AbortSignal.timeout(timeoutMs) })
}

/** Runs buf, whose findings are one JSON object a line; a line that is none is a failure. */
async function buf(folder: string, args: readonly string[]): Promise<Findings> {
  const { output } = await run(folder, [...args, '--error-format', 'json'])
  const findings = new Map<string, string[]>()
  for (const line of output.split('\n').filter((one) => one !== '')) {
    const { path, type, message } = JSON.parse(line) as { path: string; type: string; message: string }
    findings.set(path, [...(findings.get(path) ?? []), `${type}: ${message}`])
  }
  return findings
}
