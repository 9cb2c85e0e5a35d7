import { Connection } from './connection.ts'
import type { HttpRequest } from './http-request.ts'

export interface HttpLoad {
  readonly port: number
  readonly request: HttpRequest
  readonly requestCount: number
}

const connectionCount = 32

/** Sends requests as fast as they are answered, one at a time on each connection. */
export async function loadHttp({ port, request, requestCount }: HttpLoad): Promise<void> {
  let left = requestCount
  const run = async () => {
    const connection = await Connection.open(port, request)
    try {
      await new Promise<void>((resolve, reject) => {
        connection.onFailure(reject)
        const next = () => {
          if (left-- > 0) connection.exchange(next)
          else resolve()
        }
        next()
      })
    } finally {
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: connectionCount }, run))
}
