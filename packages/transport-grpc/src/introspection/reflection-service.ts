import { type Server, type ServerDuplexStream, status } from '@grpc/grpc-js'
import type { ProtoService } from '../service/proto-service.ts'
import type { Answer } from './reflection-answer.ts'
import { bytesMethod, methodPath } from '../wire/service-definition.ts'

/** Both versions have the same messages; older tools know only the first. */
const reflectionNames = ['grpc.reflection.v1alpha.ServerReflection', 'grpc.reflection.v1.ServerReflection']

type Reflection = ServerDuplexStream<Buffer, Buffer>
type LoadAnswer = () => Promise<Answer>

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
export function mountReflection(server: Server, services: readonly ProtoService[]): ReflectionCalls {
  const open = new Set<Reflection>()
  let loading: Promise<Answer> | undefined
  // Descriptors cost as much to load as a small service, and most servers are never asked.
  const load = () => {
    loading ??= import('./reflection-answer.ts').then(({ compileAnswer }) => compileAnswer(services))
    return loading
  }
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

/** A guess: longer than any question. It is sent back with its answer. */
const longestQuestionBytes = 1_024

const tooLong = { code: status.RESOURCE_EXHAUSTED, details: `a question has at most ${longestQuestionBytes} bytes` }

/** @see grpc-go, which ends the stream too when nothing is asked */
const noQuestion = { code: status.INVALID_ARGUMENT, details: 'the message is no question' }

/** Answers questions in the order in which they came, and asks for no more while the caller does not read. */
function serve(call: Reflection, load: LoadAnswer): void {
  let answered = Promise.resolve()
  const answer = async (request: Buffer) => {
    try {
      const answerTo = await load()
      if (call.writableEnded) return
      if (request.length > longestQuestionBytes) return void call.emit('error', tooLong)
      if (!call.write(answerTo(request))) call.pause().once('drain', () => call.resume())
    } catch {
      call.emit('error', noQuestion)
    }
  }
  call.on('data', (request: Buffer) => {
    answered = answered.then(() => answer(request))
  })
  call.on('end', () => void answered.then(() => call.end()))
}
