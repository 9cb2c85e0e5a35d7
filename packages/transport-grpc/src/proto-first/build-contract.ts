import { createRegistry, type DescFile, type DescMethod, type DescService, type Registry } from '@bufbuild/protobuf'
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import { type AnyContract, contract } from '@tenon/core/contract'
import { ContractError, type SetupProblem } from '@tenon/core/transport'
import { type MethodBinding, methodBinding } from '../service/method-binding.ts'
import { createCommentary } from './comment.ts'
import { compileMessageCodec } from './message-codec.ts'
import { type ProtoOperationOptions, toOperationSpec } from './proto-operation.ts'
import type { Int64Form } from './scalar-schema.ts'

/** What a contract is built by, whatever its types. */
export interface BuildOptions {
  readonly int64?: Int64Form
  readonly http?: boolean
  readonly operations?: Readonly<Record<string, ProtoOperationOptions | undefined>>
  readonly types?: Registry
}

/**
 * The contract of a service's descriptor.
 *
 * @throws ContractError `contract.name`, `contract.route`, `contract.schema`, `contract.setting`; all problems at once.
 */
export function buildContract(service: DescService, options: BuildOptions): AnyContract {
  const { int64 = 'bigint', http = true, operations = {} } = options
  const files = filesOf(service.file)
  const registry = options.types ? createRegistry(...files, options.types) : createRegistry(...files)
  const problems: SetupProblem[] = []
  const report = (problem: SetupProblem) => void problems.push(problem)
  const settings = { int64, http, registry, commentary: createCommentary(), report }
  problems.push(...badNames(service), ...strayNames(service, operations))
  const specs = service.methods.map((method) => {
    const name = method.localName
    return [name, toOperationSpec(method, operations[name] ?? {}, settings)] as const
  })
  if (problems.length > 0) throw new ContractError(problems)
  const bindings = service.methods.map(
    (method) => [method.localName, bind(method, { int64, registry, files })] as const,
  )
  return contract(service.typeName, Object.fromEntries(specs), { proto: Object.fromEntries(bindings) })
}

/** What core would refuse by the operation's name alone, or never see because another operation has it too. */
function badNames({ methods }: DescService): readonly SetupProblem[] {
  const first = new Map<string, string>()
  return methods.flatMap(({ parent, name, localName }): readonly SetupProblem[] => {
    const advice = adviceOn(localName, first.get(localName))
    first.set(localName, name)
    const message = `method ${parent.typeName}.${name}: it would be the operation ${localName}${advice} in the file`
    return advice === undefined ? [] : [{ code: 'contract.name', message }]
  })
}

function adviceOn(operation: string, twin: string | undefined): string | undefined {
  if (twin !== undefined) return `, as ${twin} is; give it another name`
  if (operation === 'then') return ', which a promise has; give it another name'
  if (/^[a-z][A-Za-z0-9]*$/.test(operation)) return undefined
  return '; give it a name such as GetUser, of letters and digits,'
}

function strayNames({ typeName, methods }: DescService, operations: object): readonly SetupProblem[] {
  const names = new Set(methods.map(({ localName }) => localName))
  const strays = Object.keys(operations).filter((name) => !names.has(name))
  return strays.map((name) => ({
    code: 'contract.setting',
    message: `protoContract(${typeName}): operations.${name} is no method of the service; expected one of ${[...names].join(', ')}`,
  }))
}

/** A file after all that it imports. */
export function filesOf(file: DescFile, seen: Set<DescFile> = new Set()): readonly DescFile[] {
  if (!seen.has(file)) for (const dependency of file.dependencies) filesOf(dependency, seen)
  return [...seen.add(file)]
}

interface Surroundings {
  readonly int64: Int64Form
  readonly registry: Registry
  readonly files: readonly DescFile[]
}

function bind(method: DescMethod, { int64, registry, files }: Surroundings): MethodBinding {
  const compile = () => ({
    request: compileMessageCodec(method.input, { int64, registry }),
    response: compileMessageCodec(method.output, { int64, registry }),
  })
  let codecs: ReturnType<typeof compile> | undefined
  return methodBinding({
    name: method.name,
    requestName: method.input.typeName,
    codecs: () => (codecs ??= compile()),
    owners: () => ownersOf(method.parent),
    files: () => files.map(fileOf),
  })
}

/** Messages may be in any file, and several services of a server may share them. */
function ownersOf({ file, typeName }: DescService): ReadonlyMap<string, string> {
  const messages = filesOf(file).flatMap((one) =>
    one.messages.map((message) => [message.typeName, `file ${one.name}.proto`] as const),
  )
  return new Map([[typeName, typeName], ...messages])
}

function fileOf({ proto }: DescFile): FileDescriptorProto {
  return proto
}
