import { integer, list, secret, text } from '@tenon/core'
import { expect, it } from 'vitest'
import { composed } from './composed-service.test-harness.ts'
import { settingsFile } from './settings-file.ts'

it('the file of settings has those that the compose file does not set, and shows no secret', () => {
  const config = {
    place: text('DATABASE_URL'),
    limit: integer('LIMIT', 5, { min: 1, max: 9 }),
    names: list('NAMES', ['a', 'b']),
    key: secret(text('API_KEY', 'from the code')),
    region: text('REGION'),
  }
  const { path, text: file, isStarter } = settingsFile(composed({ name: 'a', config }), { DATABASE_URL: {} })
  expect({ path, isStarter }).toEqual({ path: 'a.env', isStarter: true })
  expect(file.split('\n').slice(3).join('\n')).toBe(`
# a whole number from 1 to 9
#LIMIT=5

# texts separated by commas
#NAMES=a,b

# text; a secret
#API_KEY=

# text; it cannot start without
REGION=

# trace, debug, info, warn, error or silent
#LOG_LEVEL=info
`)
})
