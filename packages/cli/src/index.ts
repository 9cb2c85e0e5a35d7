export type { ExitCode } from './command/command.ts'
