import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ConfigTexts } from '../../registry/config-source.ts'
import { mountedFolder } from './mounted-folder.ts'

const variables = ['RATE', 'REGION', 'ZONE']
const before = { RATE: '1', REGION: 'eu' }

let folder: string
let ending: AbortController
let told: ConfigTexts[]
let troubles: string[]
let following: Promise<void>

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  folder = mkdtempSync(join(tmpdir(), 'tenon-mounted-'))
  ending = new AbortController()
  told = []
  troubles = []
})

afterEach(async () => {
  ending.abort()
  await following
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  rmSync(folder, { recursive: true, force: true })
})

async function follow(known: ConfigTexts = before) {
  const onTrouble = ({ message }: Error) => void troubles.push(message)
  const source = mountedFolder(folder, { texts: known })
  expect(source.name).toBe(`files ${folder}`)
  following = (async () => {
    for await (const texts of source.watch({ signal: ending.signal, variables, onTrouble })) told.push(texts)
  })()
  await vi.advanceTimersByTimeAsync(0)
}

function write(texts: ConfigTexts, into = folder) {
  for (const [variable, text] of Object.entries(texts)) writeFileSync(join(into, variable), text)
}

/** As the kubelet mounts a ConfigMap: all files anew, then one link swapped; links of single keys are made at another moment. */
function mount(texts: ConfigTexts, version: string, keys = Object.keys(texts)) {
  const data = `..${version}`
  mkdirSync(join(folder, data))
  write(texts, join(folder, data))
  symlinkSync(data, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  for (const key of keys) symlinkSync(join('..data', key), join(folder, key))
}

it('goes on from what was read at the start', async () => {
  write(before)
  await follow()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(told).toEqual([before])
})

it('tells of a changed file within 2 s, where nothing tells of the change', async () => {
  write(before)
  await follow()
  write({ RATE: '2' })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(told).toEqual([before, { RATE: '2', REGION: 'eu' }])
})

it('tells nothing of a file that is only half written', async () => {
  write(before)
  await follow()
  await vi.advanceTimersByTimeAsync(950)
  write({ RATE: '' })
  // It is looked at now, and is looked at again.
  await vi.advanceTimersByTimeAsync(100)
  write({ RATE: '22' })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(told).toEqual([before, { RATE: '22', REGION: 'eu' }])
})

it('takes a file that is changed all the time as it is', async () => {
  write(before)
  await follow()
  for (let rate = 2; told.length === 1 && rate < 100; rate += 1) {
    write({ RATE: String(rate) })
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(told).toHaveLength(2)
})

it('tells of a mounted ConfigMap at once and as a whole, also of keys whose links are not made yet', async () => {
  mount(before, 'one')
  await follow()
  mount({ RATE: '2', REGION: 'us', ZONE: 'a' }, 'two', [])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toEqual([before, { RATE: '2', REGION: 'us', ZONE: 'a' }])
})

it('tells of what a mounted ConfigMap does not have any more, though a link is left', async () => {
  mount(before, 'one')
  await follow()
  mount({ REGION: 'us' }, 'two', [])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toEqual([before, { REGION: 'us' }])
})

it('leaves what it said in force when the folder is gone, and tells all of it again when it is back', async () => {
  write(before)
  await follow()
  rmSync(folder, { recursive: true })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(told).toEqual([before])
  expect(troubles).toContain(`the folder ${folder} is not there`)
  mkdirSync(folder)
  write(before)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(told).toEqual([before, before])
})

it('leaves what it said in force while a file cannot be read', async () => {
  write(before)
  await follow()
  writeFileSync(join(folder, 'RATE'), Uint8Array.of(0xff))
  await vi.advanceTimersByTimeAsync(2_000)
  expect(told).toEqual([before])
  expect(troubles).toContain(`RATE: the file ${join(folder, 'RATE')} cannot be read: it is no UTF-8 text`)
})

it('has nothing to tell of a folder that never was there', async () => {
  rmSync(folder, { recursive: true })
  await follow({})
  await vi.advanceTimersByTimeAsync(2_000)
  expect([told, troubles]).toEqual([[{}], []])
  mkdirSync(folder)
  write(before)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(told).toEqual([{}, before])
})
