import { describe, expect, it } from 'vitest'
import type { Address } from '../../transport/transport.ts'
import { announcedInstance, isOnLoopback } from './announced-instance.ts'

const identity = { name: 'user', version: '1.2.3', instanceId: 'user-1' }

function announced(addresses: readonly Address[], settings = {}, own: readonly string[] = ['10.0.0.7', 'fd00::7']) {
  return announcedInstance({
    identity,
    settings: { id: 'user-1', ...settings },
    addresses,
    ownAddresses: () => own,
  })
}

describe('announcedInstance', () => {
  it('tells of every server but that of the probes, and Unix sockets, with what is said of the copy', () => {
    const addresses = [
      { protocol: 'http', host: '10.0.0.7', port: 80 },
      { protocol: 'grpc', host: 'fd00::7', port: 81 },
      { protocol: 'admin', host: '10.0.0.7', port: 82 },
      { protocol: 'grpc', host: 'unix:/run/user.sock', port: 0 },
    ]
    const told = { zone: 'eu-1', weight: 3, metadata: { colour: 'blue' } }
    expect(announced(addresses, told)).toEqual({
      id: 'user-1',
      name: 'user',
      version: '1.2.3',
      endpoints: addresses.slice(0, 2),
      ...told,
    })
    expect(announced([])).toEqual({ id: 'user-1', name: 'user', version: '1.2.3', endpoints: [] })
  })

  it.each(['0.0.0.0', '::'])('gives an address of the machine for a server that listens at %s', (host) => {
    const addresses = [{ protocol: 'http', host, port: 80 }]
    expect(announced(addresses).endpoints[0]?.host).toBe('10.0.0.7')
    expect(announced(addresses, {}, []).endpoints[0]?.host).toBe('127.0.0.1')
  })

  it('gives the advertised host for every server, wherever it listens', () => {
    const addresses = ['0.0.0.0', '10.0.0.7'].map((host) => ({ protocol: 'http', host, port: 80 }))
    const hosts = announced(addresses, { host: 'user.shop' }).endpoints.map(({ host }) => host)
    expect(hosts).toEqual(['user.shop', 'user.shop'])
  })

  it('finds an address of this machine by itself', () => {
    const addresses = [{ protocol: 'http', host: '0.0.0.0', port: 80 }]
    const { endpoints } = announcedInstance({ identity, settings: { id: 'user-1' }, addresses })
    expect(endpoints[0]?.host).toMatch(/^[\d.]+$|:/)
    expect(endpoints[0]?.host).not.toBe('0.0.0.0')
  })

  it('is on a loopback where a server is', () => {
    const at = (host: string) => isOnLoopback(announced([{ protocol: 'http', host, port: 80 }]))
    expect(['127.0.0.1', '127.0.0.2', '::1', 'localhost', '10.0.0.7', 'user.shop'].map(at)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
  })
})
