import type { RequestListener } from 'node:http'
import { expect, it } from 'vitest'
import { NoAudit, toFindings } from '../../../scripts/audit/finding.ts'
import { npm } from '../../../scripts/audit/npm.ts'
import { startRegistry } from './registry.ts'

const advisory = { id: 1, url: 'https://advisories.test/GHSA-1', title: 'leaks', severity: 'high' }

/** A registry that knows of the advisories, and of one version of the package. */
const registryWith =
  (advisories: object): RequestListener =>
  ({ url = '' }, reply) => {
    const versions = { '1.0.0': { name: 'leaky', version: '1.0.0' } }
    const known = { name: 'leaky', 'dist-tags': { latest: '1.0.0' }, versions }
    const answer = url.endsWith('/security/advisories/bulk') ? advisories : known
    reply.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  }

it('is told what a registry knows', async () => {
  await using registry = await startRegistry(registryWith({ leaky: [{ ...advisory, vulnerable_versions: '<2.0.0' }] }))
  expect(toFindings(await npm(['audit'], registry))).toEqual([
    { id: 'GHSA-1', package: 'leaky', severity: 'high', title: 'leaks' },
  ])
})

it('finds nothing where the registry knows nothing', async () => {
  await using registry = await startRegistry(registryWith({}))
  expect(toFindings(await npm(['audit'], registry))).toEqual([])
})

it.each([404, 405])('knows that a registry which answers %i has no audit', async (status) => {
  await using registry = await startRegistry((_request, reply) => void reply.writeHead(status).end())
  const report = await npm(['audit'], registry)
  expect(() => toFindings(report)).toThrow(NoAudit)
})

it.each<readonly [string, RequestListener]>([
  ['fails', (_request, reply) => void reply.writeHead(500).end('{}')],
  ['forbids', (_request, reply) => void reply.writeHead(403).end('{}')],
  ['answers garbage', (_request, reply) => void reply.end('<html>')],
  ['hangs', () => {}],
])('takes a registry that %s for no word on what is installed', async (_how, answer) => {
  await using registry = await startRegistry(answer)
  const report = await npm(['audit'], { ...registry, timeoutMs: 300 })
  expect(() => toFindings(report)).toThrow('npm audit gave no report')
})
