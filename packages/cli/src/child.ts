import { SetupError } from '@tenon/core'
import type { ChildTask } from './child/child-task.ts'
import { look } from './child/look.ts'
import { ModuleError } from './module/service-module.ts'
import type { ExitCode } from './command/command.ts'
import { processTerminal, type Terminal } from './terminal.ts'

// What a command does with the code of a service is done here, in a process of its own that has the loader the code needs.
const terminal = processTerminal()
const task = JSON.parse(process.argv[2] ?? 'null') as ChildTask
const exitCode = await run(task, terminal)
// The code of the service may have left something behind that would keep the process up.
process.stdout.write('', () => process.exit(exitCode))

async function run(given: ChildTask, { print, complain }: Terminal): Promise<ExitCode> {
  try {
    return await look(given, terminal)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (given.isJson) print(JSON.stringify({ error: message }))
    complain(`tenon: ${message}`)
    return error instanceof SetupError || (error instanceof ModuleError && error.isOfService) ? 1 : 2
  }
}
