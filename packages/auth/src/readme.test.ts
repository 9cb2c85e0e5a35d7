import { readFile } from 'node:fs/promises'
import { ConfigError } from '@tenon/core'
import { describe, expect, it, test } from 'vitest'
import {
  accessTokenDefaults,
  accessTokens,
  apiKeyDefaults,
  exchangeToken,
  jwksDefaults,
  jwtAuthenticator,
  jwtDefaults,
  memoryRefreshTokens,
  memorySigningKeys,
  passwordDefaults,
  passwordHasher,
  refreshTokenDefaults,
  refreshTokens,
  tokenEndpointDefaults,
} from './index.ts'
import { service } from './readme-example.test-fixture.ts'
import { logIn, renew } from './readme-login.test-fixture.ts'

const read = (name: string) => readFile(new URL(name, import.meta.url), 'utf8')
const readme = await read('../README.md')

test('the README shows code that compiles, and a service that would start', async () => {
  expect(readme).toContain(`\`\`\`ts\n${await read('readme-example.test-fixture.ts')}\`\`\``)
  expect(await service.check({ environment: {} })).toEqual({ ok: true, problems: [] })
})

test('the README shows a login that works', async () => {
  expect(readme).toContain(`\`\`\`ts\n${await read('readme-login.test-fixture.ts')}\`\`\``)
  const hash = await passwordHasher().hash('wren tuba cactus')
  expect(await logIn({ id: 'ada' }, 'wren tuba kaktus', hash)).toBeUndefined()
  expect(await logIn(undefined, 'wren tuba cactus', undefined)).toBeUndefined()
  const login = await logIn({ id: 'ada' }, 'wren tuba cactus', hash)
  expect(await renew(login?.refresh.token ?? '')).toMatchObject({ refresh: { subject: 'ada' } })
  await expect(renew(login?.refresh.token ?? '')).rejects.toMatchObject({ code: 'unauthenticated' })
})

const base = { issuer: 'a', audience: 'b', algorithms: ['RS256'] as const }
const url = 'https://id.example/keys'

describe.each([
  {
    heading: '## Tokens',
    head: 'option',
    source: ['jwt/jwt-options.ts', 'JwtOptions'],
    defaults: jwtDefaults,
    resolve: (option: object) => jwtAuthenticator({ ...base, jwks: url, ...option }),
  },
  {
    heading: '## Tokens',
    head: 'option of `jwks`',
    source: ['jwt/jwks-options.ts', 'JwksOptions'],
    defaults: jwksDefaults,
    resolve: (option: object) =>
      jwtAuthenticator({
        ...base,
        jwks: { url, ...('maxStaleMs' in option ? {} : { maxStaleMs: 2_592_000_000 }), ...option },
      }),
  },
  {
    heading: '## API keys',
    head: 'option',
    source: ['api-key/api-key-authenticator.ts', 'ApiKeyOptions'],
    defaults: apiKeyDefaults,
    resolve: () => undefined,
  },
  {
    heading: '## Certificates',
    head: 'option',
    source: ['certificate/certificate-authenticator.ts', 'CertificateOptions'],
    defaults: {},
    resolve: () => undefined,
  },
  {
    heading: '## Logins',
    head: 'option of `passwordHasher`',
    source: ['password/password-options.ts', 'PasswordOptions'],
    defaults: passwordDefaults,
    resolve: passwordHasher,
  },
  {
    heading: '## Logins',
    head: 'option of `accessTokens`',
    source: ['token/access-token-options.ts', 'AccessTokenOptions'],
    defaults: accessTokenDefaults,
    resolve: (option: object) => accessTokens({ issuer: 'a', audience: 'b', keys: memorySigningKeys(), ...option }),
  },
  {
    heading: '## Logins',
    head: 'option of `refreshTokens`',
    source: ['token/refresh-tokens.ts', 'RefreshTokenOptions'],
    defaults: refreshTokenDefaults,
    resolve: (option: object) => refreshTokens({ store: memoryRefreshTokens(), ...option }),
  },
  {
    heading: '## Remotes',
    head: 'option of `exchangeToken` and `clientCredentials`',
    source: ['remote/token-endpoint-options.ts', 'TokenEndpointOptions'],
    defaults: tokenEndpointDefaults,
    resolve: (option: object) =>
      exchangeToken({ tokenEndpoint: url, clientId: 'shop', clientSecret: 'sesame', ...option }),
  },
] as const)('the table "$head" under "$heading"', ({ heading, head, source: [file, name], defaults, resolve }) => {
  const rows = rowsBelow(heading, head)

  it('has a row for every option, and no other', async () => {
    const declaration = new RegExp(`^export interface ${name} [^]*?^}`, 'm').exec(await read(file))?.[0] ?? ''
    const names = Array.from(declaration.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, option = '']) => option)
    expect(names.length).toBeGreaterThan(2)
    expect(rows.map((row) => row.name).toSorted()).toEqual(names.toSorted())
  })

  it('tells each default', () => {
    for (const [option, value] of Object.entries(defaults)) {
      const shown = rows.find((row) => row.name === option)?.defaultText.replaceAll('`', '')
      expect([option, shown]).toEqual([option, typeof value === 'number' ? spaced(value) : String(value)])
    }
  })

  it('tells each range', () => {
    for (const { name: option, range } of rows) {
      const [, least = '', most = ''] = /^([\d ]+)–([\d ]+)$/.exec(range) ?? []
      if (most === '') continue
      const [min, max] = [least, most].map((text) => Number(text.replaceAll(' ', ''))) as [number, number]
      for (const value of [min, max]) expect(() => resolve({ [option]: value })).not.toThrow()
      for (const value of [min - 1, max + 1]) expect(() => resolve({ [option]: value })).toThrow(ConfigError)
    }
  })
})

const spaced = (number: number) => String(number).replace(/\B(?=(\d{3})+$)/g, ' ')

function rowsBelow(heading: string, head: string) {
  const section = readme.slice(readme.indexOf(heading))
  const table = section.slice(section.indexOf(`| ${head} |`)).split('\n\n')[0] ?? ''
  return table
    .split('\n')
    .slice(2)
    .map((line) => {
      const [, first = '', defaultText = '', range = ''] = line.split('|').map((cell) => cell.trim())
      return { name: /^`(\w+)`/.exec(first)?.[1] ?? first, defaultText, range }
    })
}
