import type { ExitCode } from '../command/command.ts'
import type { Terminal } from '../terminal.ts'
import type { DrainTask } from '../verify/drain-task.ts'
import { reportText } from '../verify/report-text.ts'
import { verifyDrain } from '../verify/verify-drain.ts'

/** Verifies how services drain, and prints what was found. */
export async function drain(task: DrainTask, childFile: string, terminal: Terminal): Promise<ExitCode> {
  const progress = task.isJson ? () => undefined : terminal.complain
  const report = await verifyDrain(task, { childFile, progress })
  terminal.print(task.isJson ? JSON.stringify(report) : reportText(report, terminal.paint))
  return report.ok ? 0 : 1
}
