import { runChild } from '../child/run-child.ts'
import type { Command } from './command.ts'

/** What names a service of a file. */
export const placeOptions = {
  export: { type: 'string', value: '<name>', about: 'which service of the file; the only one unless given' },
  json: { type: 'boolean', about: 'prints what was found as JSON' },
} as const

export const checkCommand: Command = {
  usage: 'check <service.ts>',
  summary: 'Tells everything that would keep a service from starting. Nothing is created, connected or listens.',
  options: placeOptions,
  notes: ['Variables are read as at the start: from the environment, mounted files and .env.'],
  run: async (given, surroundings) => {
    const file = given.only('file of a service')
    const place = { file, exportName: given.text('export') }
    return runChild({ kind: 'check', ...place, isJson: given.isSet('json') }, file, surroundings)
  },
}
