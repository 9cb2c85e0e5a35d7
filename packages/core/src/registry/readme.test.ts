import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { dnsRegistryDefaults } from './dns/dns-options.ts'
import { dnsRegistry } from './dns/dns-registry.ts'
import { staticRegistry } from './static-registry.ts'

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')

test('the README has the registries as they are written here', async () => {
  // biome-ignore format: as in the README
  const written = () => {
const fixed = staticRegistry({ user: ['grpc://10.0.0.7:50051', 'grpc://10.0.0.8:50051'], order: ['http://order.internal:8080'] })
const addresses = dnsRegistry({ port: 50_051, domain: 'shop.svc.cluster.local' })
const ports = dnsRegistry({ protocol: 'http', domain: 'shop.svc.cluster.local' })
return [fixed, addresses, ports]
  }
  expect(written).not.toThrow()
  const block = /```ts\n(const fixed = [^]*?)```/.exec(readme)?.[1] ?? 'no block'
  expect(await readFile(new URL(import.meta.url), 'utf8')).toContain(block)
})

test('the README has the defaults of dnsRegistry', () => {
  for (const [name, value] of Object.entries(dnsRegistryDefaults)) {
    const written = typeof value === 'number' ? value.toLocaleString('en').replace(',', ' ') : `\`${value}\``
    expect(readme).toMatch(new RegExp(`^\\| \`${name}\`, [^|]* \\| ${written} \\|`, 'm'))
  }
})
