import { expect, test } from 'vitest'
import { type DnsRecord, DnsServer } from '../../registry/dns/dns-server.test-harness.ts'
import { silent } from '../../telemetry/log.ts'
import { DnsDirectory } from './dns-directory.ts'
import type { KnownName } from './known-name.ts'

const a = (address: string): DnsRecord => ({ type: 'A', address, ttl: 0 })

/** Resolves with the first list that has as many instances. */
function listOf(count: number, known: KnownName): Promise<readonly string[]> {
  return new Promise((resolve) => {
    known.onChange((instances) => {
      if (instances.length === count) resolve(instances.map(({ id }) => id))
    })
  })
}

test('tells of the addresses that a name has, and of those that it gets', async () => {
  await using server = await DnsServer.start()
  server.set('user.test', [a('10.0.0.1')])
  const directory = new DnsDirectory(silent)
  const known = directory.of({ host: 'user.test', port: 80, server: server.address }, 'http')
  expect(await listOf(1, known)).toEqual(['10.0.0.1:80'])
  server.set('user.test', [a('10.0.0.1'), a('10.0.0.2')])
  expect(await listOf(2, known)).toEqual(['10.0.0.1:80', '10.0.0.2:80'])
  await directory.close()
})

test('asks for a name once for all who want it, and apart for another port', async () => {
  await using server = await DnsServer.start()
  const directory = new DnsDirectory(silent)
  const user = { host: 'user.test', port: 80, server: server.address }
  const known = directory.of(user, 'http')
  expect(directory.of({ ...user, host: 'User.test' }, 'http')).toBe(known)
  expect(directory.of({ ...user, port: 81 }, 'http')).not.toBe(known)
  await directory.close()
  expect(() => directory.of(user, 'http')).toThrow(/the service has stopped/)
})
