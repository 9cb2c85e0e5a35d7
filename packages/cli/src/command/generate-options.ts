import { UsageError } from './command.ts'
import type { ParsedArguments } from './parse-arguments.ts'

/** What every `tenon generate` may be told. */
export const generateOptions = {
  out: { type: 'string', value: '<folder>', about: 'where the files go' },
  check: { type: 'boolean', about: 'writes nothing; exit code 1 when there would be anything to write' },
  overwrite: { type: 'boolean', about: 'writes files that differ without a question' },
  export: { type: 'string', value: '<name>', about: 'which service of the file; the only one unless given' },
  set: {
    type: 'string',
    multiple: true,
    value: '<NAME=value>',
    about: 'a setting for looking at the service, where no file has it yet; as often as needed; secrets made up',
  },
  json: { type: 'boolean', about: 'prints what became of each file as JSON' },
} as const

/** Those options, read. */
export interface GenerateChoices {
  readonly out: string | undefined
  readonly isCheck: boolean
  readonly isOverwrite: boolean
  readonly exportName: string | undefined
  readonly isJson: boolean
  /** By variable. */
  readonly given: Readonly<Record<string, string>>
}

/** @throws UsageError for options that contradict each other */
export function generateChoices(given: ParsedArguments): GenerateChoices {
  const [isCheck, isOverwrite] = [given.isSet('check'), given.isSet('overwrite')]
  if (isCheck && isOverwrite) throw new UsageError('--check writes nothing, so --overwrite cannot be given with it')
  return {
    out: given.text('out'),
    isCheck,
    isOverwrite,
    exportName: given.text('export'),
    isJson: given.isSet('json'),
    given: Object.fromEntries(given.texts('set').map(settingOf)),
  }
}

function settingOf(text: string): readonly [string, string] {
  const [, name, value] = /^([^\s=]+)=(.*)$/s.exec(text) ?? []
  if (name !== undefined && value !== undefined) return [name, value]
  throw new UsageError(`--set: expected NAME=value, found ${JSON.stringify(text)}`)
}
