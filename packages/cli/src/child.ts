import { fileURLToPath } from 'node:url'
import { ConfigError, SetupError } from '@tenon/core'
import type { ChildTask, Told } from './child/child-task.ts'
import type { ExitCode } from './command/command.ts'
import { loadService, ModuleError, type ServicePlace } from './module/service-module.ts'
import { processTerminal } from './terminal.ts'

// What a command does with the code of a service is done here, in a process of its own that has the loader the code needs.
const terminal = processTerminal()
const task = JSON.parse(process.argv[2] ?? 'null') as ChildTask
// Whoever asked is gone, by whatever signal: nobody would read what is found. Instances learn it from their own channel.
if (task.kind !== 'instance') process.once('disconnect', () => process.exit(2))
const exitCode = await run(task)
// The code of the service may have left something behind that would keep the process up. An instance ends by itself, or that is told.
if (exitCode !== undefined) process.stdout.write('', () => process.exit(exitCode))

async function run(given: ChildTask): Promise<ExitCode | undefined> {
  try {
    return await runTask(given)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isOfService = error instanceof SetupError || (error instanceof ModuleError && error.isOfService)
    if (given.kind === 'tell') return tell({ problem: message, isOfService })
    if (given.isJson) terminal.print(JSON.stringify({ error: message }))
    terminal.complain(`tenon: ${message}`)
    return isOfService ? 1 : 2
  }
}

async function runTask(given: ChildTask): Promise<ExitCode | undefined> {
  switch (given.kind) {
    case 'instance':
      await (await import('./instance/run-instance.ts')).runInstance(given)
      return undefined
    case 'tell':
      return tell(await toldOf(given))
    case 'verify_drain':
      return (await import('./child/drain.ts')).drain(given, fileURLToPath(import.meta.url), terminal)
    default:
      return (await import('./child/look.ts')).look(given, terminal)
  }
}

async function toldOf(place: ServicePlace): Promise<Told> {
  const service = await loadService(place)
  try {
    return { description: service.describe() }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { problem: error.message, isOfService: true, unsetIn: service.name }
  }
}

/** Resolves when it is on its way: the process ends behind it. */
async function tell(told: Told): Promise<ExitCode> {
  const { promise, resolve } = Promise.withResolvers<ExitCode>()
  if (process.send === undefined) throw new Error('there is no channel to tell it over')
  process.send(told, () => resolve('description' in told ? 0 : 1))
  return promise
}
