import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js'
import type { Logger } from '@tenon/core/transport'
import type { ProtoService } from '../service/proto-service.ts'
import type { Answer } from './reflection-answer.ts'
import { bytesMethod, methodPath } from '../wire/service-definition.ts'

/** Both versions have the same messages; older tools know only the first. */
const reflectionNames = ['grpc.reflection.v1alpha.ServerReflection', 'grpc.reflection.v1.ServerReflection']

type Reflection = ServerDuplexStream<Buffer, Buffer>
/** Undefined where the services cannot be described. */
type LoadAnswer = () => Promise<Answer | undefined>

/** Questions that are being asked. */
export interface ReflectionCalls {
  /** Ends them: tools may keep theirs open for as long as they run. */
  close(): void
}

/**
 * Lets tools such as grpcurl ask for the server's services and their messages.
 *
 * @see gRPC server reflection protocol
 */
export function mountReflection(server: Server, services: readonly ProtoService[], log: Logger): ReflectionCalls {
  const open = new Set<Reflection>()
  let loading: ReturnType<LoadAnswer> | undefined
  // Descriptors cost as much to load as a small service, and most servers are never asked.
  const load = () => (loading ??= loadAnswer(services, log))
  for (const name of reflectionNames) {
    const method = bytesMethod(methodPath(name, 'ServerReflectionInfo'), { requestStream: true, responseStream: true })
    server.addService(
      { ServerReflectionInfo: method },
      {
        ServerReflectionInfo: (call: Reflection) => {
          open.add(call)
          call.once('cancelled', () => open.delete(call))
          serve(call, load)
        },
      },
    )
  }
  return {
    close: () => {
      for (const call of open) call.end()
    },
  }
}

/** Once: what fails here fails again. */
async function loadAnswer(services: readonly ProtoService[], log: Logger): ReturnType<LoadAnswer> {
  try {
    const { compileAnswer } = await import('./reflection-answer.ts')
    return await compileAnswer(services)
  } catch (error) {
    log.error({ err: error }, 'reflection cannot describe the services')
    return undefined
  }
}

/** A guess: longer than any question. It is sent back with its answer. */
const longestQuestionBytes = 1_024

const tooLong = { code: status.RESOURCE_EXHAUSTED, details: `a question has at most ${longestQuestionBytes} bytes` }

/** @see grpc-go, which ends the stream too when nothing is asked */
const noQuestion = { code: status.INVALID_ARGUMENT, details: 'the message is no question' }

const unknownFiles = { code: status.INTERNAL, details: 'an internal error occurred' }

/** Answers questions in the order in which they came, and asks for no more while the caller does not read. */
function serve(call: Reflection, load: LoadAnswer): void {
  let answered = Promise.resolve()
  const answer = async (request: Buffer) => {
    const answerTo = await load()
    if (call.writableEnded || call.cancelled) return
    const reply = answerTo === undefined ? unknownFiles : replyTo(request, answerTo)
    if (!Buffer.isBuffer(reply)) return void call.emit('error', reply)
    if (!call.write(reply)) await writable(call)
  }
  call.on('data', (request: Buffer) => {
    answered = answered.then(() => answer(request))
  })
  call.on('end', () => void answered.then(() => call.end()))
}

function replyTo(request: Buffer, answerTo: Answer): Buffer | typeof noQuestion {
  if (request.length > longestQuestionBytes) return tooLong
  try {
    return answerTo(request)
  } catch {
    return noQuestion
  }
}

/** Resolves when the caller has read on, or is gone. Asks nothing of it until then. */
async function writable(call: Reflection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  call.pause().once('drain', resolve).once('cancelled', resolve)
  await promise
  call.off('drain', resolve).off('cancelled', resolve).resume()
}
