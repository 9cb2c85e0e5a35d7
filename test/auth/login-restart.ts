import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { startLogin } from './login-process.ts'

const ada = { email: 'ada@example.com', password: 'wren tuba cactus' }

/**
 * Users, tokens and the end of a login outlive kill -9, and nothing that is secret is in the log.
 *
 * @param databaseUrl Empty for SQLite in a file
 */
export async function checkRestart(databaseUrl: string): Promise<void> {
  const folder = await temporaryFolder()
  const environment = {
    DATA_DIR: folder,
    LETTER_DIR: join(folder, 'letters'),
    LOG_LEVEL: 'trace',
    DATABASE_URL: databaseUrl,
  }
  await using first = await startLogin(environment)
  await first.ask('/register', ada)
  const [letter = ''] = await readdir(environment.LETTER_DIR)
  const text = await readFile(join(environment.LETTER_DIR, letter), 'utf8')
  const code = /^[\w-]{43}$/m.exec(text)?.[0] ?? ''
  expect((await first.ask('/confirm', { code })).status).toBe(200)
  const mine = (await first.ask('/login', ada)).body
  const stolen = (await first.ask('/login', ada)).body
  const ended = (await first.ask('/login', ada)).body
  await first.ask('/logout', { refreshToken: ended['refreshToken'] })
  // The thief uses what was stolen, and the process is killed with the answer.
  const thiefs = (await first.ask('/refresh', { refreshToken: stolen['refreshToken'] })).body
  process.kill(-Number(first.child.pid), 'SIGKILL')
  expect(await first.ended).toBe('SIGKILL')

  await using second = await startLogin(environment)
  const me = await second.ask('/me', undefined, String(mine['accessToken']))
  expect(me).toMatchObject({ status: 200, body: { email: ada.email } })
  const next = await second.ask('/refresh', { refreshToken: mine['refreshToken'] })
  expect(next.status).toBe(200)
  expect((await second.ask('/refresh', { refreshToken: ended['refreshToken'] })).status).toBe(401)
  // The owner comes with the stolen token: it was used before, so the thief's is worth nothing either.
  for (const { refreshToken } of [stolen, thiefs])
    expect(await second.ask('/refresh', { refreshToken })).toMatchObject({
      status: 401,
      body: { reason: 'invalid_token' },
    })
  expect(second.output()).toContain('was used before: the login is revoked')
  expect((await second.ask('/login', { ...ada, password: 'wren tuba kaktus' })).status).toBe(401)
  expect((await second.ask('/login', ada)).status).toBe(200)

  const log = first.output() + second.output()
  const tokens = [mine, stolen, ended, thiefs, next.body].flatMap(({ accessToken, refreshToken }) => [
    String(accessToken),
    ...String(refreshToken).split('.'),
  ])
  for (const secret of [ada.email, ada.password, 'kaktus', code, ...tokens]) expect(log).not.toContain(secret)
}
