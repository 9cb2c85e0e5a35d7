import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { recordedTerminal } from '../terminal.test-harness.ts'
import { type GeneratedFile, markOf } from './generated-file.ts'
import { type WriteOptions, writeFiles } from './write-files.ts'

const mark = markOf('test', 'greeting')
const generated = (path: string, body: string): GeneratedFile => ({ path, text: `# ${mark}\n${body}\n` })
const starter: GeneratedFile = { path: 'own/config.env', text: 'A=1\n', isStarter: true }

interface Given extends Partial<WriteOptions> {
  /** What is there before, by path. */
  readonly present?: Readonly<Record<string, string>>
  readonly answer?: string
}

async function written(files: readonly GeneratedFile[], { present = {}, answer, ...options }: Given = {}) {
  const outFolder = await mkdtemp(join(tmpdir(), 'tenon-write-'))
  onTestFinished(() => rm(outFolder, { recursive: true }))
  for (const [path, text] of Object.entries(present)) {
    await mkdir(dirname(join(outFolder, path)), { recursive: true })
    await writeFile(join(outFolder, path), text)
  }
  const terminal = recordedTerminal(answer === undefined ? undefined : () => answer)
  const exitCode = await writeFiles(files, {
    outFolder,
    mark,
    isCheck: false,
    isOverwrite: false,
    isJson: false,
    terminal,
    ...options,
  })
  const read = (path: string) => readFile(join(outFolder, path), 'utf8').catch(() => undefined)
  return { exitCode, printed: terminal.printed(), read }
}

const file = generated('a/one.yaml', 'port: 2')
const other = { 'a/one.yaml': file.text.replace('2', '1') }

describe('writeFiles', () => {
  it('writes what is not there, with its folders, and then tells what to do next', async () => {
    const { exitCode, printed, read } = await written([file, starter], { notes: ['now build it'] })
    expect(exitCode).toBe(0)
    expect(await read('a/one.yaml')).toBe(file.text)
    expect(await read('own/config.env')).toBe('A=1\n')
    expect(printed).toBe(['new          a/one.yaml', 'new          own/config.env', 'now build it'].join('\n'))
  })

  it('shows what differs as a diff and keeps it, where nobody can be asked', async () => {
    const { exitCode, printed, read } = await written([file], { present: other, notes: ['now build it'] })
    expect(exitCode).toBe(1)
    expect(await read('a/one.yaml')).toBe(other['a/one.yaml'])
    expect(printed).toContain('--- a/one.yaml\tthere\n+++ a/one.yaml\tgenerated\n@@ -1,2 +1,2 @@')
    expect(printed).toContain('\n-port: 1\n+port: 2\n')
    expect(printed).toContain('differs      a/one.yaml\nwhat differs was kept: --overwrite writes it')
    expect(printed).not.toContain('now build it')
  })

  it.each([
    ['y', 0, '2'],
    ['', 1, '1'],
  ])('asks at a terminal: %j', async (answer, exitCode, port) => {
    const found = await written([file], { present: other, answer })
    expect(found.exitCode).toBe(exitCode)
    expect(found.printed).toContain('overwrite a/one.yaml? [y/N]')
    expect(await found.read('a/one.yaml')).toContain(`port: ${port}`)
  })

  it('overwrites without a question when told to, and shows the diff all the same', async () => {
    const { exitCode, printed, read } = await written([file], { present: other, isOverwrite: true, answer: 'n' })
    expect(exitCode).toBe(0)
    expect(await read('a/one.yaml')).toBe(file.text)
    expect(printed).toContain('+port: 2')
    expect(printed).toContain('overwritten  a/one.yaml')
    expect(printed).not.toContain('?')
  })

  it('never compares or overwrites a starter that is there', async () => {
    const { exitCode, printed, read } = await written([starter], {
      present: { 'own/config.env': 'B=2\n' },
      isOverwrite: true,
    })
    expect({ exitCode, printed, text: await read('own/config.env') }).toEqual({
      exitCode: 0,
      printed: 'yours        own/config.env',
      text: 'B=2\n',
    })
  })

  it.each([
    ['missing', {}, 1, 'missing      a/one.yaml'],
    ['differs', other, 1, 'differs      a/one.yaml'],
    ['same', { 'a/one.yaml': file.text }, 0, 'same         a/one.yaml\neverything is as it would be generated'],
  ])('checks without writing or asking: %s', async (_what, present, exitCode, told) => {
    const found = await written([file], { present, isCheck: true, answer: 'y' })
    expect(found.exitCode).toBe(exitCode)
    expect(found.printed).toContain(told)
    expect(await found.read('a/one.yaml')).toBe(Object.values(present)[0])
  })

  it('tells of files that an earlier run has generated, and of nobody else’s', async () => {
    const { printed } = await written([file], {
      ownFolder: 'own',
      present: {
        'a/two.yaml': generated('', '').text,
        'own/deep/three.yaml': `#\n# ${mark}\n`,
        'own/of-another.yaml': `# ${markOf('test', 'other')}\n`,
        'a/below/four.yaml': generated('', '').text,
        'a/mine.yaml': 'a: 1\n',
      },
    })
    expect(printed.match(/^obsolete .*/gm)).toEqual([
      'obsolete     a/two.yaml: it is generated no more, remove it',
      'obsolete     own/deep/three.yaml: it is generated no more, remove it',
    ])
  })

  it('tells all of it as JSON', async () => {
    const { exitCode, printed } = await written([file, generated('b', ''), starter], {
      present: { ...other, 'a/two.yaml': generated('', '').text },
      isJson: true,
      answer: 'y',
    })
    expect(exitCode).toBe(1)
    expect(JSON.parse(printed)).toEqual({
      ok: false,
      files: [
        { path: 'a/one.yaml', state: 'differs', isWritten: false, diff: expect.stringContaining('+port: 2') },
        { path: 'b', state: 'new', isWritten: true },
        { path: 'own/config.env', state: 'new', isWritten: true },
      ],
      obsolete: ['a/two.yaml'],
    })
  })
})
