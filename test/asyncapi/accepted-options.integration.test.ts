import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { event } from '@tenon/core/contract'
import { ConfigError } from '@tenon/core/transport'
import { type AsyncApiOptions, asyncapi } from '@tenon/transport-queue'
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { runTool, toolAbsence } from '../support/tool.ts'
import { temporaryFolder } from '../support/own-process.ts'

const absence = toolAbsence('asyncapi-check')
const placed = event('shop.order.placed.v1', { key: 'id', payload: Type.Object({ id: Type.String() }) })

/** What looks right, and now and then what is not. */
function mostly(right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const wrong = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constantFrom(null, {}, [], 'http://a b', 'a:1,b:2', 'x@y', '//z'),
  )
  return fc.oneof({ weight: 60, arbitrary: right }, { weight: 1, arbitrary: wrong })
}

const text = mostly(fc.string({ unit: 'grapheme', minLength: 1 }))
const link = mostly(fc.webUrl({ withQueryParameters: true, withFragments: true }))
const endpoint = mostly(fc.webUrl())
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,9}$/)
const some = (fields: Record<string, fc.Arbitrary<unknown>>, requiredKeys: string[] = []) =>
  mostly(fc.record(fields, { requiredKeys }))

const availableScopes = mostly(fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }))
const byToken = some({ tokenUrl: endpoint, refreshUrl: endpoint, availableScopes }, ['tokenUrl', 'availableScopes'])
const flow = { authorizationUrl: endpoint, refreshUrl: endpoint, availableScopes }
const needed = ['authorizationUrl', 'availableScopes']
const flows = some({
  implicit: some(flow, needed),
  password: byToken,
  clientCredentials: byToken,
  authorizationCode: some({ ...flow, tokenUrl: endpoint }, [...needed, 'tokenUrl']),
})
const scheme = fc.oneof(
  some({ type: fc.constantFrom('plain', 'scramSha256', 'scramSha512', 'X509'), description: text }, ['type']),
  some({ type: fc.constant('oauth2'), description: text, flows, scopes: fc.array(fc.string()) }, ['type', 'flows']),
)
const server = some(
  {
    host: mostly(fc.tuple(fc.domain(), fc.nat(65_535)).map(([host, port]) => `${host}:${port}`)),
    protocol: fc.constantFrom('kafka', 'kafka-secure'),
    protocolVersion: text,
    description: text,
  },
  ['host'],
)
const info = some({
  title: text,
  version: text,
  description: text,
  termsOfService: link,
  contact: some({ name: text, url: link, email: mostly(fc.emailAddress()) }),
  license: some({ name: text, url: link }, ['name']),
  tags: fc.array(some({ name: text, description: text }, ['name']), { maxLength: 3 }),
})

/** Whether the check takes the options. */
function isAccepted(given: unknown): boolean {
  try {
    asyncapi(placed, given as AsyncApiOptions)
    return true
  } catch (error) {
    if (error instanceof ConfigError) return false
    throw error
  }
}

/** Those of many that the check takes, each under a name. */
function acceptedOf(option: 'servers' | 'securitySchemes', values: fc.Arbitrary<unknown>): object {
  const taken = fc.sample(values, 60).filter((value) => isAccepted({ [option]: { one: value } }))
  expect(taken.length).toBeGreaterThan(20)
  const names = fc.sample(name, taken.length)
  return { [option]: Object.fromEntries(taken.map((value, index) => [`${names[index]}.${index}`, value])) }
}

/** The parser takes seconds for each: they have much in them. */
const documentCount = 4

describe.skipIf(absence)(`options of AsyncAPI${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('that the check takes make a valid document', { timeout: 120_000 }, async ({ signal }) => {
    const folder = await temporaryFolder()
    const infos = fc.sample(info, 60).filter(isAccepted).slice(0, documentCount)
    expect(infos).toHaveLength(documentCount)
    const common = { ...acceptedOf('servers', server), ...acceptedOf('securitySchemes', scheme) }
    const documents = infos.map((given) => asyncapi(placed, { ...(given as AsyncApiOptions), ...common }))
    const paths = documents.map((_document, index) => join(folder, `${index}.json`))
    await Promise.all(documents.map((document, index) => writeFile(paths[index] ?? '', JSON.stringify(document))))
    const { output } = await runTool(['asyncapi-check', ...paths], { folder, signal })
    const lines = output.split('\n').filter((line) => line !== '' && !line.includes('asyncapi-latest-version'))
    expect(lines).toEqual(paths.map((path) => `${path}: AsyncAPI 3.0.0, valid`))
  })
})
