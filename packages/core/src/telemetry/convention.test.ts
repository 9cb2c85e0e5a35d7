import { describe, expect, it } from 'vitest'
import {
  type CalledPlace,
  grpcClientConvention,
  httpRequestAttributes,
  httpSentAttributes,
  messageAttributes,
  peerAttributes,
} from './convention.ts'

const method = 'shop.v1.UserService/GetUser'
const placeOf = (place: CalledPlace) => {
  const { attributes, spanAttributes } = grpcClientConvention({ method, place })
  const { 'rpc.system.name': _system, 'rpc.method': _method, ...measured } = attributes
  return [measured, spanAttributes]
}

describe('who is called', () => {
  it.each([
    ['10.0.0.7:50051', { 'server.address': '10.0.0.7', 'server.port': 50_051 }],
    ['[::1]:50051', { 'server.address': '::1', 'server.port': 50_051 }],
    ['unix:/run/user.sock', { 'server.address': '/run/user.sock' }],
  ])('is told to metrics where it is the only address: %s', (address, told) => {
    expect(placeOf({ address })).toEqual([told, undefined])
  })

  it('is told to spans alone where addresses come and go', () => {
    const told = { 'server.address': '10.0.0.7', 'server.port': 1 }
    expect(placeOf({ address: '10.0.0.7:1', isOneOfSeveral: true })).toEqual([{}, told])
  })

  it('is a name, and its address the peer of the span, where the address was found for a name', () => {
    const place = { address: '10.0.0.7:1', authority: 'user.example.com:443', isOneOfSeveral: true }
    expect(placeOf(place)).toEqual([
      { 'server.address': 'user.example.com', 'server.port': 443 },
      { 'network.peer.address': '10.0.0.7', 'network.peer.port': 1 },
    ])
  })
})

describe('a request', () => {
  const facts = { version: '2', host: 'shop.example.com', userAgent: undefined, client: '10.0.0.7' }

  it('tells its query without values, and only what it says', () => {
    expect(httpRequestAttributes({ ...facts, target: '/a?b=1&c=2=3&d' })).toEqual({
      'url.path': '/a',
      'url.query': 'b=REDACTED&c=REDACTED&d',
      'network.protocol.version': '2',
      'server.address': 'shop.example.com',
      'client.address': '10.0.0.7',
    })
    expect(httpRequestAttributes({ ...facts, target: '/a' })).not.toHaveProperty('url.query')
  })

  it('counts how often it went out before', () => {
    const url = 'https://shop.example.com/a?token=s3cret'
    const told = { 'url.full': 'https://shop.example.com/a?token=REDACTED' }
    expect(httpSentAttributes({ url, resendCount: 0 })).toEqual(told)
    expect(httpSentAttributes({ url, resendCount: 2 })).toEqual({ ...told, 'http.request.resend_count': 2 })
  })
})

it('a message tells its offset where the broker is Kafka', () => {
  const facts = { id: 'm1', partition: 3, offset: 7 }
  const told = { 'messaging.message.id': 'm1', 'messaging.destination.partition.id': '3' }
  expect(messageAttributes({ system: 'kafka', ...facts })).toEqual({ ...told, 'kafka.offset': 7 })
  expect(messageAttributes({ system: 'memory', ...facts })).toEqual(told)
})

it('a peer that has no port tells none', () => {
  expect(peerAttributes('unknown')).toEqual({ 'network.peer.address': 'unknown' })
})
