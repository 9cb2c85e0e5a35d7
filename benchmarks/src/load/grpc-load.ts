import { Client, credentials } from '@grpc/grpc-js'

export interface GrpcLoad {
  readonly port: number
  readonly callCount: number
  readonly path: string
  readonly request: Buffer
}

const concurrentCount = 32

/** Makes the same unary call over and over, as bytes in both directions. */
export async function loadGrpc({ port, callCount, path, request }: GrpcLoad): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  let left = callCount
  const call = () =>
    new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, request, (error) => (error ? reject(error) : resolve()))
    })
  const run = async () => {
    while (left > 0) {
      left--
      await call()
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrentCount }, run))
  } finally {
    client.close()
  }
}

function same(bytes: Buffer): Buffer {
  return bytes
}
