import { text } from '@tenon/core'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { describe, expect, it } from 'vitest'
import { chosenServers } from './chosen-servers.ts'
import { composeWarnings } from './compose-warnings.ts'
import { callerOptions, stockOptions } from './composed-shop.test-harness.ts'
import { composed, connectsTo } from './composed-service.test-harness.ts'

describe('warnings', () => {
  it('there are none of a service that says where it connects to, and can be reached', () => {
    const options = { name: 'a', config: { url: text('DATABASE_URL') }, ...connectsTo('postgres:5432') }
    const service = composed({ ...options, transports: () => [httpTransport({ port: 8080 })] })
    expect(composeWarnings([service], chosenServers([service], { with: [], without: [] }))).toEqual([])
  })

  it('there are none of a Unix socket, which has no port', () => {
    expect(
      composeWarnings([composed({ name: 'a', transports: () => [grpcTransport({ path: '/tmp/a.sock' })] })], []),
    ).toEqual([])
  })

  it('tell which settings a service cannot start without, but for those that are set', () => {
    const services = [composed(stockOptions)]
    const servers = chosenServers(services, { with: [], without: [] })
    const about = composeWarnings(services, servers).filter((warning) => warning.includes('it needs'))
    expect(about).toEqual(['stock-room: it needs REGION, text: set it in stock-room.env'])
    expect(composeWarnings([composed(stockOptions, { REGION: 'eu' })], servers).join()).not.toContain('it needs')
  })

  it('tell of no setting that a source may have', () => {
    const watch = () => expect.unreachable('a service that is only looked at asks no source')
    const configSources = () => [{ name: 'consul', connectsTo: ['consul:8500'], watch }]
    const services = [composed({ ...stockOptions, configSources })]
    const servers = chosenServers(services, { with: [], without: [] })
    expect(servers.map(({ name }) => name)).toContain('consul')
    expect(composeWarnings(services, servers).join()).not.toContain('it needs')
  })

  it('tell what listens where nobody reaches it', () => {
    const transports = () => [httpTransport({ port: 0 }), grpcTransport({ port: 1, host: '127.0.0.1' })]
    expect(composeWarnings([composed({ name: 'a', transports })], [])).toEqual([
      'a: the port for http is any free one, so it cannot be published: give it a number',
      'a: grpc listens on 127.0.0.1, which nobody reaches from outside the container: leave its host to TENON_HOST',
    ])
  })

  it('tell a wrong guess: a service that is called elsewhere, and one that is called on the loopback', () => {
    const [stock, caller] = [composed(stockOptions, { REGION: 'eu' }), composed(callerOptions())]
    const called = (services: readonly ReturnType<typeof composed>[]) =>
      composeWarnings(services, []).filter((warning) => warning.includes('is called at'))
    expect(called([stock, caller])).toEqual([
      'caller: shop.stock.v1.StockService is called at static:///127.0.0.1:50051, but stock-room is at static:///stock-room:50051: set the variable that says where it is in caller.env',
    ])
    expect(called([caller])).toEqual([
      'caller: shop.stock.v1.StockService is called at static:///127.0.0.1:50051, which is the container itself: set the variable that says where it is in caller.env',
    ])
    const elsewhere = { STOCK_ROOM_ADDRESS: 'static:///stock.example.com:443' }
    expect(called([composed(callerOptions(), elsewhere)])).toEqual([])
  })

  it('tell servers on the loopback, and those that a setting leads to though nothing connects there', () => {
    expect(composeWarnings([composed({ name: 'a', ...connectsTo('localhost:27017') })], [])).toEqual([
      'a: it connects to localhost:27017, which is the container itself: set the variable that says so in a.env',
    ])
    const service = composed({ name: 'a', config: { url: text('DATABASE_URL') } })
    expect(composeWarnings([service], chosenServers([service], { with: [], without: [] }))).toEqual([
      'a: DATABASE_URL leads to postgres, and nothing says that it connects there: let its provider say so (connectsTo), or leave postgres out (--without postgres)',
    ])
  })
})
