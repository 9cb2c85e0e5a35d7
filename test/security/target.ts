import { connect } from 'node:net'
import { defineService, type HandlerDefinition, type Logger, type ServiceOptions } from '@tenon/core'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'

/** A service over HTTP/1.1, gRPC and a queue that is attacked, and what it logs. */
export interface Target extends AsyncDisposable {
  readonly httpPort: number
  readonly grpcPort: number
  readonly lines: readonly object[]
  /** Writes a message as anybody may who reaches the broker. */
  readonly produce: (topic: string, value: string, headers?: Readonly<Record<string, string>>) => Promise<void>
}

export async function startTarget(
  handlers: readonly HandlerDefinition[],
  options: Partial<ServiceOptions> = {},
): Promise<Target> {
  const lines: object[] = []
  const broker = memoryBroker()
  const started = await defineService({
    name: 'target',
    version: '1.0.0',
    admin: false,
    handlers,
    transports: () => [
      httpTransport({ port: 0 }),
      grpcTransport({ port: 0 }),
      queueTransport({ driver: memoryDriver({ broker }) }),
    ],
    ...options,
  }).start({ environment: {}, log: recorder(lines) })
  const portOf = (name: string) => started.addresses.find(({ protocol }) => protocol.startsWith(name))?.port ?? 0
  return {
    httpPort: portOf('http'),
    grpcPort: portOf('grpc'),
    lines,
    produce: async (topic, value, headers = {}) => {
      const pairs = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const)
      const record = { topic, key: Buffer.from('k'), value: Buffer.from(value), headers: pairs }
      await memoryDriver({ broker }).produce([record], { timeoutMs: 5_000 })
    },
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  }
}

/** All that comes back for a POST of JSON over a socket of its own. */
export async function postRaw(port: number, path: string, body: string, headers = ''): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' }).setEncoding('utf8')
  const length = Buffer.byteLength(body)
  const head = `host: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${headers}`
  // A caller that says that it is done has left.
  socket.write(`POST ${path} HTTP/1.1\r\n${head}\r\n${body}`)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

function recorder(lines: object[]): Logger {
  const log = (fields: object, message = '') => void lines.push({ ...fields, message })
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
  return logger
}
