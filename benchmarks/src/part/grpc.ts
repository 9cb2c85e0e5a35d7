import { compareServers } from '../compare.ts'
import { loadGrpc } from '../load/grpc-load.ts'
import type { Figure } from '../figure.ts'
import { shopProto } from '../server/shop-proto.ts'

const order = { userId: 'u1', items: [1, 2, 3].map((quantity) => ({ sku: 'tea', quantity, unitPriceCents: 1050 })) }

/** Tenon's gRPC transport against grpc-js with proto-loader, which validates nothing. */
export async function measureGrpc(roundCount: number): Promise<readonly Figure[]> {
  const servers = {
    ours: { name: 'Tenon', path: 'dist/server/tenon-grpc' },
    others: [{ name: 'grpc-js + proto-loader', path: 'dist/server/bare-grpc', target: 1 }],
    roundCount,
  }
  const workload = (name: string, method: string, input: object) => {
    const definition = shopProto[method]
    if (definition === undefined) throw new Error(`shop.proto has no method ${method}`)
    const request = definition.requestSerialize(input)
    return {
      name,
      count: 8_000,
      send: (port: number, callCount: number) => loadGrpc({ port, callCount, path: definition.path, request }),
    }
  }
  return [
    ...(await compareServers({ ...servers, workload: workload('gRPC unary, small', 'GetUser', { userId: 'u42' }) })),
    ...(await compareServers({ ...servers, workload: workload('gRPC unary, nested items', 'PlaceOrder', order) })),
  ]
}
