import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const release = readFileSync(new URL('../../.github/workflows/release.yml', import.meta.url), 'utf8')

it('runs no install script of a dependency where there is the identity to publish', () => {
  expect(release).toContain('id-token: write')
  expect(release.match(/npm (?:ci|install)\b.*/g)).toEqual(['npm ci --ignore-scripts'])
})

it('leaves no token that may write to the repository in its checkout', () => {
  expect(release.match(/actions\/checkout@/g)).toHaveLength(1)
  expect(release).toMatch(/actions\/checkout@\S+\n\s+with:\n(?:\s+#.*\n)?\s+persist-credentials: false\n/)
})
