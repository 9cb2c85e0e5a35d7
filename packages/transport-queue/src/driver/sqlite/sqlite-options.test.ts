import { ConfigError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { resolveSqlite, sqliteDefaults, type SqliteDriverOptions } from './sqlite-options.ts'

describe('resolveSqlite', () => {
  it('fills in the defaults, and takes undefined for left out', () => {
    const given: object = { path: 'queue.db', partitionCount: undefined }
    const settings = resolveSqlite(given as SqliteDriverOptions)
    expect(settings).toEqual({ ...sqliteDefaults, path: 'queue.db', heartbeatIntervalMs: 1_000 })
    expect(Object.isFrozen(settings)).toBe(true)
  })

  it('says all that is wrong at once', () => {
    const options = {
      path: ':memory:',
      synchronous: 'off',
      partitionCount: 0,
      heartbeatIntervalMs: 5_000,
      retention: 1,
    }
    expect(problemsOf(options)).toEqual([
      expect.stringMatching(/"retention" is no option, perhaps retentionMs is meant/),
      expect.stringMatching(/path must be that of a file such as .data\/queue.db, found ":memory:"/),
      expect.stringMatching(/synchronous must be one of normal, full, found "off"/),
      expect.stringMatching(/partitionCount must be a whole number from 1 to 1000, found 0/),
      expect.stringMatching(/heartbeatIntervalMs must be a whole number from 20 to 3333, found 5000/),
    ])
  })

  it.each([{}, { path: '' }, { path: undefined }])('misses a path in %j', (options) => {
    expect(problemsOf(options)).toEqual(['sqliteDriver: path is missing, expected a file such as .data/queue.db'])
  })

  it.each(['file:queue.db', 'a\0b', 3])('refuses the path %j', (path) => {
    expect(problemsOf({ path })).toEqual([expect.stringMatching(/path must be that of a file/)])
  })

  it.each([
    ['partitionCount', 1, 1_000],
    ['connectTimeoutMs', 100, 600_000],
    ['sessionTimeoutMs', 200, 1_800_000],
    ['rebalanceTimeoutMs', 100, 1_800_000],
    ['retentionMs', 1_000, 315_360_000_000],
    ['retentionBytes', 0, 1_099_511_627_776],
    ['maxRecordBytes', 1_024, 67_108_864],
  ])('takes %s from %d to %d', (name, least, most) => {
    for (const value of [least, most]) expect(problemsOf({ path: 'queue.db', [name]: value })).toEqual([])
    for (const value of [least - 1, most + 1, least + 0.5, Number.NaN, '1'])
      expect(problemsOf({ path: 'queue.db', [name]: value }).length).toBeGreaterThan(0)
  })
})

/** Options as JavaScript may give them. */
function problemsOf(options: object): readonly string[] {
  try {
    resolveSqlite(options as SqliteDriverOptions)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ message }) => message)
  }
}
