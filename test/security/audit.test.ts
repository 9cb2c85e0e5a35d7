import { describe, expect, it } from 'vitest'
import { answerProblems, NoAudit, toFindings } from '../../scripts/audit/finding.ts'
import { type Inventory, inventoryProblems, toProduction } from '../../scripts/audit/inventory.ts'
import { licenceProblems } from '../../scripts/audit/licence.ts'
import { scriptProblems } from '../../scripts/audit/manifest.ts'

const advisory = { url: 'https://github.com/advisories/GHSA-1', name: 'leaky', severity: 'high', title: 'It leaks' }
const report = { vulnerabilities: { leaky: { via: [advisory] }, user: { via: ['leaky'] }, other: { via: [advisory] } } }

describe('what is known against a dependency', () => {
  it('is one finding, however many ways lead to it', () => {
    expect(toFindings(report)).toEqual([{ id: 'GHSA-1', package: 'leaky', severity: 'high', title: 'It leaks' }])
  })

  it.each([{}, { 'GHSA-1': ' ' }])('is to be answered: %j is no answer', (answers) => {
    expect(answerProblems(toFindings(report), answers)).toEqual(['GHSA-1 is not answered: leaky, high, It leaks'])
  })

  it('is answered as long as it is found, and no longer', () => {
    const answers = { 'GHSA-1': 'Only tests use it.' }
    expect(answerProblems(toFindings(report), answers)).toEqual([])
    expect(answerProblems([], answers)).toEqual(['GHSA-1 is answered, and found no more'])
  })

  it.each([404, 405])('is not known where the registry answers %d, which is not taken for nothing', (statusCode) => {
    expect(() => toFindings({ statusCode, message: 'Method Not Allowed' })).toThrow(NoAudit)
  })

  it.each([{}, null, { statusCode: 500, message: 'down' }])('is not known from %j, which nothing excuses', (given) => {
    expect(() => toFindings(given)).toThrow(/no report/)
    expect(() => toFindings(given)).not.toThrow(NoAudit)
  })
})

const manifest = { name: '@tenon/core', version: '1.0.0', dependencies: { pino: '^1.0.0' } }
const purl = 'pkg:npm/x'
const whole: Inventory = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  components: ['@tenon/core@1.0.0', 'pino@1.2.0', 'sonic@1.0.0', 'vitest@1.0.0'].map((ref) => ({
    'bom-ref': ref,
    purl,
  })),
  dependencies: [
    { ref: '@tenon/core@1.0.0', dependsOn: ['pino@1.2.0', 'vitest@1.0.0'] },
    { ref: 'pino@1.2.0', dependsOn: ['sonic@1.0.0'] },
  ],
}

describe('the bill of materials', () => {
  it('has what users install, and nothing that is for development', () => {
    const { components } = toProduction(whole, [manifest])
    expect(components.map((component) => component['bom-ref'])).toEqual([
      '@tenon/core@1.0.0',
      'pino@1.2.0',
      'sonic@1.0.0',
    ])
    expect(inventoryProblems(toProduction(whole, [manifest]), [manifest])).toEqual([])
  })

  it('is refused where a dependency is missing, and where it is no bill', () => {
    const broken = { ...whole, specVersion: '0.9', components: [{ 'bom-ref': '@tenon/core@1.0.0' }] }
    expect(inventoryProblems(broken, [manifest])).toEqual([
      'it is no CycloneDX 1.5 or later',
      '@tenon/core@1.0.0 has no purl',
      'pino, which @tenon/core needs, is missing',
    ])
  })
})

it('a bill that npm could not write is no empty one', () => {
  const { dependencies: _, ...error } = whole
  expect(() => toProduction(error, [manifest])).toThrow('npm sbom gave no bill of materials')
})

it.each([
  [[{ license: { id: 'MIT' } }], []],
  [[{ expression: '(Apache-2.0 AND BSD-3-Clause)' }], []],
  [[{ license: { id: 'GPL-3.0-only' } }], ['x@1 is under GPL-3.0-only']],
  [[{ expression: 'MIT AND SSPL-1.0' }], ['x@1 is under SSPL-1.0']],
  [[{ license: { name: 'Ours' } }], ['x@1 is under Ours']],
  [[], ['x@1 says no licence']],
  [undefined, ['x@1 says no licence']],
])('of the licences %j is said %j', (licenses, said) => {
  expect(licenceProblems([{ 'bom-ref': 'x@1', ...(licenses && { licenses }) }])).toEqual(said)
})

it.each(['preinstall', 'install', 'postinstall', 'prepare'])('no package may have a script %s', (script) => {
  expect(scriptProblems({ ...manifest, scripts: { build: 'tsc', [script]: 'node x.js' } })).toEqual([
    `@tenon/core has a script ${script}`,
  ])
})
