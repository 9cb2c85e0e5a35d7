import { httpTransport } from '@tenon/transport-http'
import { grpcTransport } from '@tenon/transport-grpc'
import { describe, expect, it } from 'vitest'
import { backingServers } from './backing-server.ts'
import { composed } from './composed-service.test-harness.ts'
import { publishedPorts } from './published-ports.ts'

const listening = (name: string, port: number) => composed({ name, transports: () => [httpTransport({ port })] })

describe('published ports', () => {
  it('are those of the containers, or the next that is free on this machine', () => {
    const ports = publishedPorts([listening('a', 8080), listening('b', 8080), listening('c', 8081)], [])
    const pairs = Array.from(ports, ([name, all]) => [
      name,
      all.map((one) => [one.label, one.hostPort, one.containerPort]),
    ])
    expect(pairs).toEqual([
      [
        'a',
        [
          ['http', 8080, 8080],
          ['probes', 9000, 9000],
        ],
      ],
      [
        'b',
        [
          ['http', 8081, 8080],
          ['probes', 9001, 9000],
        ],
      ],
      [
        'c',
        [
          ['http', 8082, 8081],
          ['probes', 9002, 9000],
        ],
      ],
    ])
  })

  it('of servers give way to those of services', () => {
    const ports = publishedPorts([listening('a', 9092)], backingServers)
    expect(ports.get('kafka')).toMatchObject([{ hostPort: 9093, containerPort: 9092 }])
    expect(ports.get('postgres')).toMatchObject([{ hostPort: 5432 }])
  })

  it('are none of what cannot be reached from outside', () => {
    const anywhere = () => [httpTransport({ port: 0 }), grpcTransport({ path: '/tmp/a.sock' })]
    const inside = () => [httpTransport({ port: 8080, host: '127.0.0.1' })]
    for (const transports of [anywhere, inside])
      expect(publishedPorts([composed({ name: 'a', transports })], []).get('a')).toMatchObject([{ label: 'probes' }])
  })
})
