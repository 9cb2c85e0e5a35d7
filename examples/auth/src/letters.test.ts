import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { accountExistsLetter, confirmationLetter, letterFolder } from './letters.ts'

test('puts letters into a folder that only its owner reads, the newest last', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'tenon-letters-'))
  onTestFinished(() => rm(parent, { recursive: true }))
  onTestFinished(() => void vi.useRealTimers())
  const folder = join(parent, 'letters')
  const letters = letterFolder(folder)
  for (const second of [1, 2, 3, 4]) {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_790_000_000_000 + second * 1_000 })
    await letters.send(
      second === 4 ? accountExistsLetter('ada@example.com') : confirmationLetter('a@b.example', `code ${second}`),
    )
  }
  const files = (await readdir(folder)).toSorted()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  expect(texts.map((text) => /code \d/.exec(text)?.[0])).toEqual(['code 1', 'code 2', 'code 3', undefined])
  expect(texts[3]).toMatch(/^To: ada@example\.com\nSubject: You have an account\n\n/)
  const modes = await Promise.all(
    [folder, ...files.map((file) => join(folder, file))].map(async (path) => (await stat(path)).mode & 0o777),
  )
  expect(modes).toEqual([0o700, 0o600, 0o600, 0o600, 0o600])
})
