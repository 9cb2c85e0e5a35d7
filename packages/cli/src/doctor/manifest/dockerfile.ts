import { parseEnv } from 'node:util'

/**
 * The variables that an image has by the `ENV` of its Dockerfile: those of its last stage, and of the stages that one begins with.
 * Values with variables in them are left as they are.
 *
 * @see Dockerfile reference, ENV and FROM
 */
export function imageVariablesOf(dockerfile: string): ReadonlyMap<string, string> {
  const stages = new Map<string, ReadonlyMap<string, string>>()
  let variables = new Map<string, string>()
  for (const line of dockerfile.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const [, instruction = '', rest = ''] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? []
    if (/^from$/i.test(instruction)) {
      const [base = '', , name] = rest.split(/\s+/).filter((word) => !word.startsWith('--'))
      variables = new Map(stages.get(base))
      if (name !== undefined) stages.set(name, variables)
    }
    if (/^env$/i.test(instruction)) for (const [name, value] of pairsOf(rest)) variables.set(name, value)
  }
  return variables
}

/** `A=1 B="two"`, and the old form `A one`. */
function pairsOf(text: string): readonly (readonly [name: string, value: string])[] {
  const pairs = Array.from(text.matchAll(/([\w.-]+)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)/g), ([pair]) => pair)
  const lines = pairs.length > 0 ? pairs.join('\n') : text.replace(/\s+/, '=')
  return Object.entries(parseEnv(lines)).map(([name, value]) => [name, value ?? ''])
}
