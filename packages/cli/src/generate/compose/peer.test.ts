import { httpClient } from '@tenon/transport-http'
import { describe, expect, it } from 'vitest'
import { callerOptions, stockOptions } from './composed-shop.test-harness.ts'
import { composed } from './composed-service.test-harness.ts'
import { peerSettings, peersOf } from './peer.ts'

const stock = composed(stockOptions)

describe('a service that calls another one of the file', () => {
  it('is told the port of the protocol that its client speaks', () => {
    const [overGrpc, overHttp] = [composed(callerOptions()), composed(callerOptions(httpClient()))]
    expect(peerSettings(overGrpc, [stock, overGrpc])).toEqual([
      { variable: 'STOCK_ROOM_ADDRESS', peer: 'stock-room', address: 'static:///stock-room:50051' },
    ])
    expect(peerSettings(overHttp, [stock, overHttp])).toMatchObject([{ address: 'static:///stock-room:8080' }])
  })

  it('is told nothing when no service of the file has the contract, or it listens on any free port', () => {
    const caller = composed(callerOptions())
    expect(peersOf(caller, [caller])).toEqual([])
    const anywhere = composed(stockOptions, { GRPC_PORT: '0' })
    expect(peersOf(caller, [caller, anywhere])).toEqual([])
  })

  it('is not guessed where no setting bears the name', () => {
    const { config: _config, ...options } = callerOptions()
    const caller = composed({
      ...options,
      remotes: () => callerOptions().remotes({ stockRoomAddress: 'static:///x:1' }),
    })
    expect(peersOf(caller, [stock, caller])).toHaveLength(1)
    expect(peerSettings(caller, [stock, caller])).toEqual([])
  })
})
