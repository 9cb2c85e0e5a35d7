import { ConfigError } from '@tenon/core'
import { expect, it, vi } from 'vitest'
import { computeScrypt } from './compute-scrypt.ts'
import { passwordDefaults } from './password-options.ts'
import { maxPasswordBytes, passwordHasher } from './password-hasher.ts'
import { writeScryptHash } from './scrypt-hash.ts'

/** As cheap as it may be, and watched. */
function cheapHasher(options: { readonly maxRunningCount?: number; readonly maxWaitingCount?: number } = {}) {
  const derive = vi.fn(computeScrypt)
  return { derive, hasher: passwordHasher({ costLog2: 10, derive, ...options }) }
}

/** Computes only what is let through. */
function heldHasher(limits: { readonly maxRunningCount: number; readonly maxWaitingCount: number }) {
  const held: (() => void)[] = []
  const derive = () => new Promise<Uint8Array>((resolve) => held.push(() => resolve(new Uint8Array(32))))
  return { held, hasher: passwordHasher({ derive, ...limits }) }
}

it('knows the password of a hash, and no other', async () => {
  const { hasher } = cheapHasher()
  const hash = await hasher.hash('correct horse battery staple')
  expect(hash).toMatch(/^\$scrypt\$ln=10,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  expect(await hasher.verify('correct horse battery staple', hash)).toBe(true)
  for (const other of ['correct horse battery stapl', 'Correct horse battery staple', ' ', '', 'a'.repeat(2_000)])
    expect(await hasher.verify(other, hash)).toBe(false)
})

it('never gives the same hash twice', async () => {
  const { hasher } = cheapHasher()
  const hashes = await Promise.all(['a', 'a', 'a'].map((password) => hasher.hash(password)))
  expect(new Set(hashes).size).toBe(3)
})

it('computes what RFC 7914 does', async () => {
  const key = Buffer.from(
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    'hex',
  )
  const hash = writeScryptHash({
    cost: { costLog2: 10, blockSize: 8, parallelism: 16 },
    salt: Buffer.from('NaCl'),
    key,
  })
  expect(await cheapHasher().hasher.verify('password', hash)).toBe(true)
})

it('takes a password for the same whatever way its characters are written', async () => {
  const { hasher } = cheapHasher()
  const hash = await hasher.hash('Ame\u0301lie'.repeat(3))
  expect(await hasher.verify('Am\u00e9lie'.repeat(3), hash)).toBe(true)
})

it('computes as much for nobody as for somebody, and never says yes', async () => {
  const { derive, hasher } = cheapHasher()
  const hash = await hasher.hash('hunter2')
  const workOf = async (stored: string | undefined) => {
    derive.mockClear()
    const answer = await hasher.verify('hunter3', stored)
    return { answer, work: derive.mock.calls.map(([, { salt, ...rest }]) => ({ ...rest, saltBytes: salt.byteLength })) }
  }
  const known = await workOf(hash)
  expect(known.work).toHaveLength(1)
  expect(await workOf(undefined)).toEqual(known)
  const anyKey = passwordHasher({ derive: async (_password, { keyBytes }) => new Uint8Array(keyBytes) })
  expect(await anyKey.verify('hunter2', undefined)).toBe(false)
})

it('computes as much for a wrong password whose hash is of a time when hashes cost less', async () => {
  const old = await passwordHasher({ costLog2: 10 }).hash('hunter2')
  const derive = vi.fn(computeScrypt)
  const hasher = passwordHasher({ costLog2: 13, derive })
  const workOf = async (password: string, stored: string | undefined) => {
    derive.mockClear()
    const isRight = await hasher.verify(password, stored)
    return { isRight, cost: derive.mock.calls.reduce((sum, [, { cost }]) => sum + 2 ** cost.costLog2, 0) }
  }
  expect(await workOf('hunter3', undefined)).toEqual({ isRight: false, cost: 2 ** 13 })
  expect(await workOf('hunter3', old)).toEqual({ isRight: false, cost: 2 ** 13 })
  expect(await workOf('hunter2', old)).toEqual({ isRight: true, cost: 2 ** 10 })
})

it('says which hashes were made with another cost, and still knows them', async () => {
  const old = await passwordHasher({ costLog2: 10 }).hash('hunter2')
  const now = passwordHasher({ costLog2: 11 })
  expect(await now.verify('hunter2', old)).toBe(true)
  expect([now.needsRehash(old), now.needsRehash(await now.hash('hunter2'))]).toEqual([true, false])
  expect(now.needsRehash(old.replace('ln=10', 'ln=11').replace('p=1', 'p=2'))).toBe(true)
})

it('refuses a password that is none, and computes nothing for it', async () => {
  const { derive, hasher } = cheapHasher()
  await hasher.hash('é'.repeat(maxPasswordBytes / 2))
  derive.mockClear()
  // U+0958 is longer in NFC than before; a lone surrogate is no text.
  for (const password of ['', 'a'.repeat(maxPasswordBytes + 1), '\u0958'.repeat(341), 'hunter2\ud800'])
    await expect(hasher.hash(password)).rejects.toMatchObject({ code: 'invalid_argument' })
  expect(derive).not.toHaveBeenCalled()
})

it('fails for a hash that cannot be read, rather than to say no', async () => {
  await expect(cheapHasher().hasher.verify('hunter2', 'hunter2')).rejects.toThrow('cannot be read')
})

it('computes so many at once, lets so many wait in their order, and refuses the rest', async () => {
  const { held, hasher } = heldHasher({ maxRunningCount: 2, maxWaitingCount: 3 })
  const done: number[] = []
  const calls = [0, 1, 2, 3, 4].map((index) => hasher.verify('hunter2', undefined).then(() => done.push(index)))
  const refused = hasher.verify('hunter2', undefined)
  await expect(refused).rejects.toMatchObject({ code: 'resource_exhausted', details: { retryDelayMs: 1_000 } })
  for (const runningCount of [2, 2, 2, 2, 1]) {
    expect(held).toHaveLength(runningCount)
    held.shift()?.()
    await new Promise(setImmediate)
  }
  await Promise.all(calls)
  expect(done).toEqual([0, 1, 2, 3, 4])
})

it('gives a place back when a computation fails, and when whoever waits gives up', async () => {
  const derive = vi.fn(computeScrypt).mockRejectedValueOnce(new Error('no memory'))
  const hasher = passwordHasher({ costLog2: 10, derive, maxRunningCount: 1, maxWaitingCount: 1 })
  const leaving = new AbortController()
  const failed = hasher.hash('a')
  const left = hasher.hash('b', leaving.signal)
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  await expect(failed).rejects.toThrow('no memory')
  await expect(hasher.hash('c', leaving.signal)).rejects.toThrow('gone')
  expect(await hasher.hash('d')).toContain('$scrypt$')
  expect(derive).toHaveBeenCalledTimes(2)
})

it('has by itself the cost that OWASP recommends, in less than the threads that Node has', async () => {
  const derive = vi.fn(async () => new Uint8Array(32))
  await passwordHasher({ derive }).hash('hunter2')
  expect(derive.mock.calls).toEqual([
    ['hunter2', { cost: { costLog2: 17, blockSize: 8, parallelism: 1 }, salt: expect.anything(), keyBytes: 32 }],
  ])
  expect(passwordDefaults.maxRunningCount).toBeLessThan(4)
})

it.each([{ costLog2: 9 }, { costLog2: 21 }, { maxRunningCount: 0 }, { maxWaitingCount: 1.5 }, { cost: 17 }])(
  'refuses the options %j',
  (options) => {
    expect(() => passwordHasher(options as object)).toThrow(ConfigError)
  },
)
