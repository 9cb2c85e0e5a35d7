import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { token } from '@tenon/core'

/** What somebody is told by e-mail. */
export interface Letter {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Sends letters. Put your provider of e-mail behind it. */
export interface Letters {
  send(letter: Letter): Promise<void>
}

export const Letters = token<Letters>('Letters')

/** Puts each letter into a folder, as a file of its own, the newest last, for a computer without a mail server. Whoever reads it can confirm registrations. */
export function letterFolder(folder: string): Letters {
  return {
    async send({ to, subject, text }) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const file = `${Date.now()}-${randomUUID()}.txt`
      await writeFile(join(folder, file), `To: ${to}\nSubject: ${subject}\n\n${text}\n`, {
        mode: 0o600,
      })
    },
  }
}

export function confirmationLetter(to: string, code: string): Letter {
  const text = `Somebody asked for an account with this e-mail address. If it was not you, do nothing.\nIf it was, confirm it within an hour by this code:\n\n${code}`
  return { to, subject: 'Confirm your account', text }
}

export function accountExistsLetter(to: string): Letter {
  const text = `Somebody asked for an account with this e-mail address, which has one already.\nIf it was you, log in with the password that you have.\nIf it was not, do nothing: your account is as it was.`
  return { to, subject: 'You have an account', text }
}
