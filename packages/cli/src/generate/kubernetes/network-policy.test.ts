import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { namesOf } from './names.ts'
import { networkPolicy } from './network-policy.ts'
import { peersOf } from './peer.ts'
import { described, listening } from './sample-service.test-harness.ts'
import { manifestText } from './manifest-text.ts'

const names = namesOf(described(), {})
const name = 'app.kubernetes.io/name'
const namespace = 'kubernetes.io/metadata.name'

function policyTo(host: string, port = 5432) {
  const peers = [{ host, port, reasons: ['provider Db'] }]
  const text = manifestText([], [networkPolicy({ names, ports: [3000, 9000], peers })])
  return { text, egress: parse(text).spec.egress.slice(1) as unknown[] }
}

describe('networkPolicy', () => {
  it.each([
    ['postgres', { podSelector: { matchLabels: { [name]: 'postgres' } } }],
    [
      'user-grpc',
      { podSelector: { matchExpressions: [{ key: name, operator: 'In', values: ['user-grpc', 'user'] }] } },
    ],
    [
      'db.data.svc',
      { namespaceSelector: { matchLabels: { [namespace]: 'data' } }, podSelector: { matchLabels: { [name]: 'db' } } },
    ],
    [
      'db-0.db.data.svc.cluster.local',
      { namespaceSelector: { matchLabels: { [namespace]: 'data' } }, podSelector: { matchLabels: { [name]: 'db' } } },
    ],
    ['10.1.2.3', { ipBlock: { cidr: '10.1.2.3/32' } }],
    ['fd00::1', { ipBlock: { cidr: 'fd00::1/128' } }],
  ])('lets the pods reach %s, and says what for', (host, to) => {
    const { egress, text } = policyTo(host)
    expect(egress).toEqual([{ to: [to], ports: [{ port: 5432 }] }])
    expect(text).toContain(`# provider Db: ${host}:5432\n`)
  })

  it.each(['db.example.com', 'db.data'])('knows only the port of %s, and says so', (host) => {
    const { egress, text } = policyTo(host)
    expect(egress).toEqual([{ ports: [{ port: 5432 }] }])
    expect(text).toContain('a name from outside of the cluster: a policy knows only its port')
  })

  it('has no rule for the pod itself', () => {
    expect(policyTo('127.0.0.1').egress).toEqual([])
  })

  it('selects the pods of the service, lets anybody in at its ports, and lets it ask for names', () => {
    expect(networkPolicy({ names, ports: [3000, 9000], peers: [] })).toMatchObject({
      spec: { podSelector: { matchLabels: { [name]: 'note' } }, policyTypes: ['Ingress', 'Egress'] },
    })
    const { ingress, egress } = parse(manifestText([], [networkPolicy({ names, ports: [3000, 9000], peers: [] })])).spec
    expect(ingress).toEqual([{ ports: [{ port: 3000 }, { port: 9000 }] }])
    expect(egress).toEqual([
      {
        to: [
          {
            namespaceSelector: { matchLabels: { [namespace]: 'kube-system' } },
            podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
          },
          { ipBlock: { cidr: '169.254.20.10/32' } },
        ],
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
      },
    ])
  })
})

describe('peersOf', () => {
  it('gathers remotes, brokers and what providers connect to, each server once with all that needs it', () => {
    const remote = { contract: 'shop.User', transport: 'grpc', interceptors: [] }
    const provider = { needs: [], isChecked: false }
    const service = described({
      remotes: [
        { ...remote, address: 'static:///user-grpc:50051,[fd00::1]:50051' },
        { ...remote, contract: 'shop.Local', address: 'static:///unix:/tmp/a.sock' },
      ],
      transports: [{ ...listening('queue', 1), listensAt: [], connectsTo: ['Kafka:9092', 'kafka:9092'] }],
      providers: [
        { ...provider, name: 'Db', connectsTo: ['db:5432'] },
        { ...provider, name: 'Log', connectsTo: ['db:5432', 'kafka:9092'] },
        { ...provider, name: 'Clock' },
      ],
    })
    expect(peersOf(service)).toEqual([
      { host: 'user-grpc', port: 50_051, reasons: ['remote shop.User'] },
      { host: 'fd00::1', port: 50_051, reasons: ['remote shop.User'] },
      { host: 'kafka', port: 9092, reasons: ['transport queue', 'provider Log'] },
      { host: 'db', port: 5432, reasons: ['provider Db', 'provider Log'] },
    ])
  })
})
