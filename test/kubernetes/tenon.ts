import { run } from '../support/own-process.ts'

/** Runs the command `tenon` from its sources. @throws Error with what it printed, unless it ends well */
export async function tenon(args: readonly string[]): Promise<string> {
  await using command = run(process.execPath, [
    '--conditions=@tenon/source',
    '--import',
    'tsx',
    'packages/cli/src/main.ts',
    ...args,
  ])
  const code = await command.ended
  if (code === 0) return command.output()
  throw new Error(`tenon ${args.join(' ')} ended with ${code}:\n${command.output()}`)
}
