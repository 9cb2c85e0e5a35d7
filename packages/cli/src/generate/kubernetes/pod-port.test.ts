import { describe, expect, it } from 'vitest'
import { podPorts } from './pod-port.ts'
import { described, listening } from './sample-service.test-harness.ts'

describe('podPorts', () => {
  it('has the admin server and what listens, with the protocol that Kubernetes has a name for', () => {
    const transports = [
      listening('http', 3000),
      listening('grpc', 50_051),
      listening('inside', 3443, 'https'),
      listening('Public API for partners', 50_052, 'grpcs'),
      { name: 'queue', carriesEvents: true, provides: [] },
    ]
    expect(podPorts(described({ transports }))).toEqual({
      admin: { name: 'admin', number: 9000, kind: 'admin', appProtocol: 'http' },
      transports: [
        { name: 'http', number: 3000, kind: 'http', appProtocol: 'http' },
        { name: 'grpc', number: 50_051, kind: 'grpc', appProtocol: 'kubernetes.io/h2c' },
        { name: 'inside', number: 3443, kind: 'http', appProtocol: 'https' },
        { name: 'public-api-for', number: 50_052, kind: 'grpc', appProtocol: 'https' },
      ],
      warnings: [],
    })
  })

  it('leaves out what nothing outside of the pod reaches, and says so', () => {
    const transports = [
      { ...listening('grpc', 0), listensAt: [{ protocol: 'grpc', host: 'unix:/tmp/a.sock', port: 0 }] },
      { ...listening('http', 0), listensAt: [{ protocol: 'http', host: '127.0.0.1', port: 3000 }] },
    ]
    expect(podPorts(described({ transports }))).toMatchObject({
      transports: [],
      warnings: [
        'transport grpc listens at unix:/tmp/a.sock, which nothing outside of the pod reaches',
        'transport http listens at 127.0.0.1, which nothing outside of the pod reaches',
      ],
    })
  })

  it('warns of a port that only root may have everywhere', () => {
    expect(podPorts(described({ transports: [listening('http', 80)] })).warnings).toEqual([
      expect.stringContaining('port 80 (http) is below 1024'),
    ])
  })

  it.each([
    [{ admin: undefined }, 'note has no admin server'],
    [
      { admin: { host: '127.0.0.1', port: 9000, hasToken: false } },
      'listens at 127.0.0.1, where the kubelet cannot ask',
    ],
    [{ transports: [listening('http', 0)] }, 'http listens at port 0'],
    [{ transports: [listening('http', 9000)] }, 'admin and http are both at port 9000'],
    [{ transports: [listening('http', 1), listening('HTTP', 2)] }, 'the ports of two transports would be called http'],
  ])('refuses what no pod can have (%#)', (fields, expected) => {
    expect(() => podPorts(described(fields))).toThrow(expected)
  })
})
