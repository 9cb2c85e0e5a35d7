import { runChild } from '../child/run-child.ts'
import { placeOptions } from './check.ts'
import type { Command } from './command.ts'

export const describeCommand: Command = {
  usage: 'describe <service.ts>',
  summary: 'Shows what a service is made of. Works without its environment, and shows no secret.',
  options: placeOptions,
  run: async (given, surroundings) => {
    const file = given.only('file of a service')
    const place = { file, exportName: given.text('export') }
    return runChild({ kind: 'describe', ...place, isJson: given.isSet('json') }, file, surroundings)
  },
}
