import { expect, it } from 'vitest'
import { httpTransport } from './http-transport.ts'

it('tells before it is bound where it is going to listen', () => {
  expect(httpTransport().listensAt?.('0.0.0.0')).toEqual([{ protocol: 'http', host: '0.0.0.0', port: 3000 }])
  const tls = { key: 'key.pem', cert: 'cert.pem' }
  expect(httpTransport({ host: '::1', port: 0, tls }).listensAt?.('0.0.0.0')).toEqual([
    { protocol: 'https', host: '::1', port: 0 },
  ])
})

it('tells before it is bound which probes it answers, and where', () => {
  expect(httpTransport().probes).toBeUndefined()
  expect([...(httpTransport({ probes: true }).probes ?? [])]).toEqual([
    ['/livez', 'livez'],
    ['/readyz', 'readyz'],
    ['/startupz', 'startupz'],
  ])
})
