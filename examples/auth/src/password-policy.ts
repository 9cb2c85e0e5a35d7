/** In code points. @see NIST SP 800-63B-4 section 3.1.1.2: 15 where the password is all there is */
const minPasswordLength = 15

/** What is long enough, and still tried first: no more than a beginning. Real services ask a list of leaked passwords. */
const common: ReadonlySet<string> = new Set([
  'passwordpassword',
  'password12345678',
  '123456789012345',
  '1234567890123456',
  'qwertyuiopasdfgh',
  'qwertyuiopasdfghjkl',
  'iloveyouiloveyou',
  'correcthorsebatterystaple',
  'administratoradministrator',
  'letmeinletmeinletmein',
])

/** Why a password may not be used; undefined where it may. Never contains the password. */
export function passwordProblem(password: string, email: string): string | undefined {
  if (Array.from(password.normalize('NFC')).length < minPasswordLength)
    return `must have at least ${minPasswordLength} characters`
  const plain = password.toLowerCase().replaceAll(/[\s_.-]/g, '')
  if (new Set(plain).size < 5) return 'must have more different characters'
  if (common.has(plain)) return 'is among the passwords that are tried first'
  if (plain === email.toLowerCase().replaceAll(/[\s_.-]/g, '')) return 'must not be the e-mail address'
  return undefined
}
