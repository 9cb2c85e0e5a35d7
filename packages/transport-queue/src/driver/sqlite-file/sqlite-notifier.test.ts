import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SqliteNotifier } from './sqlite-notifier.ts'

describe('SqliteNotifier', () => {
  it('looks again and again after the file was written, until it finds what was', async () => {
    const walPath = newFile()
    const looks = watched(walPath, 4)
    appendFileSync(walPath, 'page')
    await looks.done
  })

  it('looks now and then at a file that cannot be watched', async () => {
    const looks = watched(join(newFile(), 'missing'), 5)
    await looks.done
  })

  it('looks no more when it is closed', async () => {
    const walPath = newFile()
    const looks = watched(walPath, 1)
    await looks.done
    looks.notifier.close()
    const { count } = looks
    appendFileSync(walPath, 'page')
    const other = watched(walPath, 3)
    appendFileSync(walPath, 'page')
    await other.done
    expect(looks.count).toBe(count)
  })
})

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'queue.db-wal')
  writeFileSync(path, '')
  return path
}

/** A notifier whose looks find nothing; done after so many. */
function watched(walPath: string, wantedCount: number) {
  const { promise: done, resolve } = Promise.withResolvers<void>()
  let count = 0
  const look = () => {
    count++
    if (count === wantedCount) resolve()
    return false
  }
  const notifier = new SqliteNotifier({ walPath, look })
  onTestFinished(() => notifier.close())
  return {
    notifier,
    done,
    get count() {
      return count
    },
  }
}
