import type { ExitCode } from '../command/command.ts'
import { loadService, ModuleError } from '../module/service-module.ts'
import type { Terminal } from '../terminal.ts'
import type { LookTask } from './child-task.ts'
import { descriptionText } from './description-text.ts'

/** Checks or describes a service, and prints what was found. */
export async function look(task: LookTask, terminal: Terminal): Promise<ExitCode> {
  return task.kind === 'check' ? check(task, terminal) : describe(task, terminal)
}

interface Problem {
  readonly code: string
  readonly message: string
}

async function check(task: LookTask, { print, paint }: Terminal): Promise<ExitCode> {
  const { name, problems } = await findProblems(task)
  const ok = problems.length === 0
  if (task.isJson) print(JSON.stringify({ service: name, ok, problems }))
  else if (ok) print(`${paint('green', 'fine')}  ${name} could start`)
  else {
    for (const { code, message } of problems) print(`${paint('red', code)}  ${message}`)
    print(`${name ?? task.file}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`)
  }
  return ok ? 0 : 1
}

/** A service that cannot even be put together has a problem like any other. */
async function findProblems(
  task: LookTask,
): Promise<{ readonly name: string | undefined; readonly problems: readonly Problem[] }> {
  try {
    const service = await loadService(task)
    const { problems } = await service.check()
    return { name: service.name, problems }
  } catch (error) {
    if (!(error instanceof ModuleError) || !error.isOfService) throw error
    return { name: undefined, problems: [{ code: 'service.module', message: error.message }] }
  }
}

async function describe(task: LookTask, { print, paint }: Terminal): Promise<ExitCode> {
  const service = await loadService(task)
  const description = service.describe()
  print(task.isJson ? JSON.stringify(description) : descriptionText(description, paint))
  return 0
}
