import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Service, SetupError } from '@tenon/core'

/** Which service of which file. */
export interface ServicePlace {
  readonly file: string
  /** @defaultValue the one export that is a service */
  readonly exportName?: string | undefined
}

/** A module cannot be used: the message says why, and what to do. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError'
  /** Whether the service is at fault, and not who named it. */
  readonly isOfService: boolean

  constructor(message: string, { isOfService = false, cause }: { isOfService?: boolean; cause?: unknown } = {}) {
    super(message, { cause })
    this.isOfService = isOfService
  }
}

/**
 * Imports a file and finds its service. The process must have the loader that the file needs.
 *
 * @throws ModuleError
 */
export async function loadService({ file, exportName }: ServicePlace): Promise<Service> {
  const exported = await importFile(file)
  if (exportName !== undefined) return namedService(file, exported, exportName)
  const services = new Map(
    Object.entries(exported).flatMap(([name, value]) => (isService(value) ? [[value, name]] : [])),
  )
  const [service, another] = services.keys()
  if (service === undefined) throw noService(file, Object.keys(exported))
  if (another === undefined) return service
  throw new ModuleError(`${file} exports several services; name one: --export ${[...services.values()].join(' or ')}`)
}

/** @throws ModuleError */
export async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(file)
  if (!existsSync(path) || !statSync(path).isFile()) throw new ModuleError(`there is no file ${file}`)
  try {
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw importError(file, cause)
  }
}

/** By what it can do: the file may have another copy of the framework than this command. */
function isService(value: unknown): value is Service {
  if (typeof value !== 'object' || value === null) return false
  const members: readonly unknown[] = ['check', 'describe', 'start', 'run'].map((name) => Reflect.get(value, name))
  return members.every((member) => typeof member === 'function') && typeof Reflect.get(value, 'version') === 'string'
}

function namedService(file: string, exported: Readonly<Record<string, unknown>>, name: string): Service {
  const value = exported[name]
  if (isService(value)) return value
  const problem = name in exported ? `the export ${name} of ${file} is no service` : `${file} has no export ${name}`
  throw new ModuleError(`${problem}; expected what defineService() gives`)
}

function noService(file: string, names: readonly string[]): ModuleError {
  const found = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  return new ModuleError(`${file} exports no service: expected what defineService() gives, but ${found}`)
}

function importError(file: string, cause: unknown): ModuleError {
  if (isSyntaxProblem(cause) && !process.execArgv.some((arg) => arg.includes('tsx')))
    return new ModuleError(
      `${file} uses syntax that Node does not run by itself, such as decorators: npm install --save-dev tsx, beside the service`,
      { cause },
    )
  if (cause instanceof SetupError) return new ModuleError(cause.message, { isOfService: true, cause })
  const told = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  return new ModuleError(`${file} cannot be imported: ${told}`, { isOfService: true, cause })
}

/** @see Node.js documentation, modules: TypeScript, full TypeScript support */
function isSyntaxProblem(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  const code: unknown = Reflect.get(cause, 'code')
  return (
    cause instanceof SyntaxError ||
    code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' ||
    code === 'ERR_INVALID_TYPESCRIPT_SYNTAX' ||
    code === 'ERR_UNKNOWN_FILE_EXTENSION'
  )
}
