import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { UsageError } from '../../command/command.ts'

/**
 * What kubectl prints.
 *
 * @throws UsageError with what it complains of, or where there is no kubectl
 */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close') as Promise<[number | null]>
  try {
    const [printed, complained, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    if (code === 0) return printed
    throw new UsageError(`kubectl ${args[0]} failed: ${complained.trim() || `exit code ${code}`}`)
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error
    throw new UsageError(`kubectl ${args[0]} cannot be run (${error.message}): it has to be on the PATH`, {
      cause: error,
    })
  }
}
