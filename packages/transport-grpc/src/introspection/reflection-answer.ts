import { status } from '@grpc/grpc-js'
import { toBinary } from '@bufbuild/protobuf'
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'
import { errorDetailsFiles } from '../proto/error-details-descriptor.ts'
import { healthDescriptor } from '../proto/health-descriptor.ts'
import type { ProtoService } from '../service/proto-service.ts'
import { toShown } from '../wire/shown-text.ts'

/** Turns a ServerReflectionRequest into its ServerReflectionResponse. @throws Error for bytes that ask nothing. */
export type Answer = (request: Buffer) => Buffer

/** @see grpc/reflection/v1/reflection.proto, whose field numbers stand below */
export async function compileAnswer(served: readonly ProtoService[]): Promise<Answer> {
  const files = await loadFiles(served)
  const services = [...served.map(({ fullName }) => fullName), healthName]
  const byName = new Map<string, Uint8Array>()
  const bySymbol = new Map<string, Uint8Array>()
  for (const file of files) {
    const bytes = toBinary(FileDescriptorProtoSchema, file)
    byName.set(file.name, bytes)
    for (const symbol of symbolsOf(file)) bySymbol.set(symbol, bytes)
  }
  return (bytes) => {
    const asked = readQuestion(bytes)
    const writer = new BinaryWriter().uint32(0x0a).string(asked.host).uint32(0x12).bytes(bytes)
    // Not reflection itself, which has no file here: a tool that describes all that is listed would stop at it.
    if (asked.field === question.listServices) return finish(writeServices(writer, services))
    if (isUnserved(asked)) return finish(writeError(writer, status.UNIMPLEMENTED, 'extensions are not told of'))
    const found = (asked.field === question.fileByName ? byName : bySymbol).get(asked.value)
    if (found) return finish(writeFile(writer, found))
    return finish(writeError(writer, status.NOT_FOUND, `nothing is known of ${toShown(asked.value)}`))
  }
}

const healthName = 'grpc.health.v1.Health'

/** Each file once: several services may come from one, or import the same. */
async function loadFiles(served: readonly ProtoService[]): Promise<readonly FileDescriptorProto[]> {
  const own = await Promise.all(served.map(({ loadFiles: load }) => load()))
  const all = [...own.flat(), healthDescriptor(), ...errorDetailsFiles()]
  return [...new Map(all.map((file) => [file.name, file])).values()]
}

/** ServerReflectionRequest: `host = 1` and one of the questions. */
const question = {
  fileByName: 3,
  fileBySymbol: 4,
  fileByExtension: 5,
  extensionNumbers: 6,
  listServices: 7,
} as const

interface Asked {
  readonly host: string
  readonly field: number
  readonly value: string
}

const questions: ReadonlySet<number> = new Set(Object.values(question))

/** @throws Error for bytes that are no message, or one without a question. */
function readQuestion(bytes: Buffer): Asked {
  const reader = new BinaryReader(bytes)
  const asked = { host: '', field: 0, value: '' }
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (wireType === 2 && field === 1) asked.host = reader.string()
    else if (wireType === 2 && questions.has(field))
      Object.assign(asked, { field, value: Buffer.from(reader.bytes()).toString() })
    else reader.skip(wireType, field)
  }
  if (asked.field === 0) throw new Error('nothing is asked')
  return asked
}

/** Messages that are made from schemas have no extensions. @see grpc/reflection/v1/reflection.proto: UNIMPLEMENTED where it is not */
function isUnserved({ field }: Asked): boolean {
  return field === question.fileByExtension || field === question.extensionNumbers
}

/** `list_services_response = 6 { service = 1 { name = 1 } }` */
function writeServices(writer: BinaryWriter, names: readonly string[]): BinaryWriter {
  writer.uint32(0x32).fork()
  for (const name of names) writer.uint32(0x0a).fork().uint32(0x0a).string(name).join()
  return writer.join()
}

/** `file_descriptor_response = 4 { file_descriptor_proto = 1 }` */
function writeFile(writer: BinaryWriter, file: Uint8Array): BinaryWriter {
  return writer.uint32(0x22).fork().uint32(0x0a).bytes(file).join()
}

/** `error_response = 7 { error_code = 1, error_message = 2 }` */
function writeError(writer: BinaryWriter, code: status, message: string): BinaryWriter {
  return writer.uint32(0x3a).fork().uint32(0x08).int32(code).uint32(0x12).string(message).join()
}

function finish(writer: BinaryWriter): Buffer {
  return Buffer.from(writer.finish())
}

/** Everything a file declares, by full name. */
function symbolsOf(file: FileDescriptorProto): readonly string[] {
  const services = file.service.flatMap(({ name, method }) => [name, ...method.map((one) => `${name}.${one.name}`)])
  return [
    ...services,
    ...file.messageType.flatMap((message) => messageSymbols(message, '')),
    ...file.enumType.map(({ name }) => name),
  ].map((name) => `${file.package}.${name}`)
}

function messageSymbols({ name, field, nestedType, enumType }: DescriptorProto, scope: string): readonly string[] {
  const own = `${scope}${name}`
  const inside = [...field, ...enumType].map((member) => `${own}.${member.name}`)
  return [own, ...inside, ...nestedType.flatMap((nested) => messageSymbols(nested, `${own}.`))]
}
