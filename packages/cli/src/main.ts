#!/usr/bin/env node
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './command/run-command.ts'
import { processTerminal } from './terminal.ts'

// Beside this file in the sources and in the package alike.
const childFile = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url))

process.exitCode = await runCommand(process.argv.slice(2), { terminal: processTerminal(), childFile })
