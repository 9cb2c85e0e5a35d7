import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** What a file loads before it runs, itself included: those modules, and what they load in turn. */
function loadedBy(file: URL, seen: Set<string> = new Set()): ReadonlySet<string> {
  if (seen.has(file.href)) return seen
  seen.add(file.href)
  const specifiers = readFileSync(file, 'utf8').matchAll(/^import (?!type\b)(?:[^']* from )?'([^']+)'/gm)
  for (const [, specifier = ''] of specifiers) {
    if (specifier.startsWith('.')) loadedBy(new URL(specifier, file), seen)
    else seen.add(specifier)
  }
  return seen
}

it('a probe loads nothing but a few files of its own and of Node, for it runs every few seconds', () => {
  const loaded = new Set([
    ...loadedBy(new URL('../main.ts', import.meta.url)),
    ...loadedBy(new URL('./probe.ts', import.meta.url)),
  ])
  const names = [...loaded].map((name) => name.replace(/^file:.*\/src\//, ''))
  expect(names.toSorted()).toEqual([
    'command/command.ts',
    'command/help.ts',
    'command/parse-arguments.ts',
    'command/probe.ts',
    'command/run-command.ts',
    'main.ts',
    'node:path',
    'node:url',
    'node:util',
    'terminal.ts',
  ])
})
