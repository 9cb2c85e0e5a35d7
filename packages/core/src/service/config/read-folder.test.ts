import type * as fs from 'node:fs'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readFolder } from './read-folder.ts'

/** Called after each file that is read. */
const fileWasRead = vi.hoisted(() => vi.fn<() => void>())

vi.mock('node:fs', async (original) => {
  const actual = await original<typeof fs>()
  const read = (path: string) => {
    const content = actual.readFileSync(path)
    fileWasRead()
    return content
  }
  return { ...actual, readFileSync: read }
})

let folder: string

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'tenon-folder-'))))
afterEach(() => {
  fileWasRead.mockReset()
  rmSync(folder, { recursive: true })
})

/** As the kubelet mounts a ConfigMap. */
function mount(version: string, texts: Readonly<Record<string, string>>) {
  const data = `..${version}`
  mkdirSync(join(folder, data))
  for (const [variable, text] of Object.entries(texts)) writeFileSync(join(folder, data, variable), text)
  symlinkSync(data, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
}

it('reads all files of one side of a swap that comes between them', () => {
  mount('one', { RATE: '1', REGION: 'eu' })
  fileWasRead.mockImplementationOnce(() => mount('two', { RATE: '2', REGION: 'us' }))
  expect(readFolder(folder, ['RATE', 'REGION'])).toEqual({
    texts: { RATE: '2', REGION: 'us' },
    problems: [],
    isWhole: true,
  })
})

it('does not wait for the end of swaps without end', () => {
  let version = 0
  const swap = () => mount(`${(version += 1)}`, { RATE: `${version}` })
  swap()
  fileWasRead.mockImplementation(swap)
  expect(Number(readFolder(folder, ['RATE']).texts['RATE'])).toBeGreaterThan(1)
})

it('reads files beside what is mounted, which is no change as a whole', () => {
  writeFileSync(join(folder, 'RATE'), '1')
  expect(readFolder(folder, ['RATE', 'REGION'])).toEqual({ texts: { RATE: '1' }, problems: [], isWhole: false })
  mount('one', { REGION: 'eu' })
  expect(readFolder(folder, ['RATE', 'REGION'])).toMatchObject({ texts: { RATE: '1', REGION: 'eu' }, isWhole: true })
})
