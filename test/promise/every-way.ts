import { randomUUID } from 'node:crypto'
import { type Call, defineHandler, defineService, type HandlerDefinition } from '@tenon/core'
import { contract, contractInfo, type Operation, type OperationSpec } from '@tenon/core/contract'
import { compileJsonWriter, compileSchema, ServiceError, type Violation } from '@tenon/core/transport'
import { memoryTransport } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { deadLetterTopic, memoryBroker, memoryDriver, type QueueDriver, queueTransport } from '@tenon/transport-queue'
import type { Sample } from './sample.ts'

/** What a caller comes to, whatever carried the call. */
export type Answer = { readonly value: unknown } | Refusal

export interface Refusal {
  readonly code: string
  readonly message: string
  /** Undefined where only the message is told, as in a dead letter. */
  readonly violations: readonly Violation[] | undefined
}

/** One operation for each sample, which answers with its input, and the ways to call it. */
export interface EchoService extends AsyncDisposable {
  readonly ways: Readonly<Record<WayName, Way>>
  /** What the handler received last, by the number of the sample. */
  received(index: number): unknown
}

export type WayName = 'memory' | 'http' | 'grpc' | 'queue'
export type Way = (index: number, input: unknown) => Promise<Answer>

/** Starts a service for the samples on every transport. */
export async function startEcho(samples: readonly Sample[]): Promise<EchoService> {
  const operations = operationsOf(samples, 'schema')
  const received = new Map<string, unknown>()
  const messages = new Messages()
  const memory = memoryTransport()
  const driver = messages.observing(memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) }))
  const service = defineService({
    name: 'echo',
    version: '1.0.0',
    admin: false,
    handlers: [echoHandler(operations, received, messages)],
    transports: () => [
      memory,
      httpTransport({ port: 0 }),
      grpcTransport({ port: 0 }),
      queueTransport({ driver, commitIntervalMs: 0 }),
    ],
    checkOutput: 'always',
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const port = (protocol: string) => started.addresses.find((address) => address.protocol === protocol)?.port
  const callers = operationsOf(samples, 'callerSchema')
  const channel = grpcClient().open({ contract: contractInfo(callers), address: `127.0.0.1:${port('grpc')}` })
  const at = (contract: EchoContract, index: number) => contractInfo(contract).operations[index] as Operation
  const codecs = contractInfo(operations).operations.map(toJsonCodec)
  return {
    received: (index) => received.get(at(operations, index).id),
    ways: {
      memory: async (index, input) => {
        const outcome = await memory.call(at(operations, index), input as never)
        return outcome.ok ? { value: outcome.value } : refusalOf(outcome.error)
      },
      http: (index, input) => post(`http://127.0.0.1:${port('http')}`, codecs[index] as JsonCodec, input),
      grpc: async (index, input) => {
        try {
          const call = { metadata: {}, timeoutMs: 5_000, signal: undefined }
          return { value: await channel.unary(at(callers, index), input, call) }
        } catch (error) {
          if (!ServiceError.is(error)) throw error
          return refusalOf(error)
        }
      },
      queue: (index, input) => messages.send(driver, codecs[index] as JsonCodec, input),
    },
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
    },
  }
}

type EchoContract = ReturnType<typeof operationsOf>

/** The same operations as the service has them and as a caller knows them. */
function operationsOf(samples: readonly Sample[], side: 'schema' | 'callerSchema') {
  const specs = samples.map((sample, index): [string, OperationSpec] => [
    `echo${index}`,
    {
      input: sample[side],
      output: sample[side],
      http: `POST /echo/${index}`,
      queue: { topic: `demo.echo.s${index}`, key: 'id' },
      grpc: sample.needs.length === 0,
    } as unknown as OperationSpec,
  ])
  return contract('demo.v1.EchoService', Object.fromEntries(specs) as Record<string, never>)
}

function echoHandler(echoes: EchoContract, received: Map<string, unknown>, messages: Messages): HandlerDefinition {
  const methods = contractInfo(echoes).operations.map(({ name, id }) => [
    name,
    (input: unknown, call: Call) => {
      received.set(id, input)
      if (call.transport === 'queue') messages.succeed(call.id, input)
      return input
    },
  ])
  return defineHandler(echoes, () => Object.fromEntries(methods) as never)
}

/** How values of an operation are written as JSON and read again, made once. */
interface JsonCodec {
  readonly operation: Operation
  readonly write: (input: unknown) => string
  readonly read: (answer: unknown) => unknown
}

function toJsonCodec(operation: Operation): JsonCodec {
  const output = compileSchema(operation.outputSchema, operation.outputJsonSchema)
  return {
    operation,
    write: compileJsonWriter(operation.inputJsonSchema),
    read: (answer) => {
      const result = output.read(answer)
      if (!('ok' in result && result.ok)) throw new Error(`${operation.id} gave what does not fit its schema`)
      return result.value
    },
  }
}

async function post(origin: string, { operation, write, read }: JsonCodec, input: unknown): Promise<Answer> {
  const response = await fetch(`${origin}${operation.http?.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: write(input),
  })
  const answer: unknown = await response.json()
  if (response.ok) return { value: read(answer) }
  const { code, detail, errors } = answer as { code: string; detail: string; errors?: readonly Violation[] }
  return { code, message: detail, violations: errors ?? [] }
}

function refusalOf({ code, message, details }: ServiceError): Answer {
  return { code, message, violations: details?.violations ?? [] }
}

/** Messages on their way, each with whoever waits to learn what becomes of it. */
class Messages {
  readonly #waiting = new Map<string, (answer: Answer) => void>()

  async send(driver: QueueDriver, { operation, write }: JsonCodec, input: unknown): Promise<Answer> {
    const id = randomUUID()
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    const headers = [
      ['ce_id', id],
      ['x-request-id', id],
    ] as const
    const record = {
      topic: operation.queue?.topic ?? '',
      key: Buffer.from('key'),
      value: Buffer.from(write(input)),
      headers: headers.map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]),
    }
    await driver.produce([record], { timeoutMs: 5_000 })
    return await answer
  }

  succeed(id: string, value: unknown): void {
    this.#settle(id, { value })
  }

  /** The same driver, which tells what is stored as a dead letter. */
  observing(driver: QueueDriver): QueueDriver {
    return {
      name: driver.name,
      target: driver.target,
      isVolatile: true,
      connect: (client) => driver.connect(client),
      ensureTopics: (topics) => driver.ensureTopics(topics),
      describe: (topic, group) => driver.describe(topic, group),
      read: (range, bound) => driver.read(range, bound),
      offsetsAt: (topic, start) => driver.offsetsAt(topic, start),
      follow: (from, signal) => driver.follow(from, signal),
      join: (membership, signal) => driver.join(membership, signal),
      close: () => driver.close(),
      produce: async (records, bound) => {
        await driver.produce(records, bound)
        for (const { topic, headers } of records) {
          if (!topic.endsWith(deadLetterTopic('', 'echo'))) continue
          const texts = Object.fromEntries(headers.map(([name, value]) => [name, Buffer.from(value).toString()]))
          const { ce_id: id = '', 'tenon-error-code': code = '', 'tenon-error-message': message = '' } = texts
          this.#settle(id, { code, message, violations: undefined })
        }
      },
    }
  }

  #settle(id: string, answer: Answer): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }
}
