import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ServiceDescription } from '@tenon/core'
import { FaultError, type Surroundings, UsageError } from '../command/command.ts'
import { loaderArguments } from '../module/loader-arguments.ts'
import type { ServicePlace } from '../module/service-module.ts'
import type { TellTask, Told } from './child-task.ts'

/** Which service, and what it finds set. */
export interface DescribedPlace extends ServicePlace {
  /**
   * The variables of the service. Those of this process are not among them, and no `.env` is read, for what is generated must not
   * depend on who generates it. As in an image, NODE_ENV is `production` and TENON_HOST is `0.0.0.0` unless they say otherwise.
   */
  readonly environment?: Readonly<Record<string, string>> | undefined
}

/** The settings of a service are not enough for it to be described. */
export class UnsetError extends FaultError {
  /** Name of the service. */
  readonly service: string

  constructor(message: string, service: string) {
    super(message)
    this.service = service
  }
}

/**
 * What a service is made of, found in a process that can import its file. What its code prints goes to standard error.
 *
 * @throws UsageError where there is no such service
 * @throws UnsetError where its settings are not enough
 * @throws FaultError where the service cannot be put together
 */
export async function describedService(
  { file, exportName, environment = {} }: DescribedPlace,
  { childFile }: Pick<Surroundings, 'childFile'>,
): Promise<ServiceDescription> {
  const task: TellTask = { kind: 'tell', file, exportName, isJson: false }
  const child = spawn(process.execPath, [...loaderArguments(file), childFile, JSON.stringify(task)], {
    stdio: ['ignore', 2, 2, 'ipc'],
    env: { ...inherited(), NODE_ENV: 'production', TENON_HOST: '0.0.0.0', ...environment },
  })
  let told: Told | undefined
  child.on('message', (message) => void (told ??= isTold(message) ? message : undefined))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (told === undefined)
    throw new FaultError(`${file}: its process ended (${signal ?? `exit code ${code}`}) before it was described`)
  if ('description' in told) return told.description
  if (told.unsetIn !== undefined) throw new UnsetError(told.problem, told.unsetIn)
  throw told.isOfService ? new FaultError(told.problem) : new UsageError(told.problem)
}

/** The code of the service may send something of its own. */
function isTold(message: unknown): message is Told {
  return typeof message === 'object' && message !== null && ('description' in message || 'problem' in message)
}

/** What processes need of the machine. */
const machineVariables = ['PATH', 'HOME', 'TMPDIR', 'NODE_OPTIONS', 'SystemRoot'] as const

function inherited(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    machineVariables.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
}
