import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The arguments of Node for a process that imports a file: those of this process, and for TypeScript the loader tsx where the
 * file's folder has it. Without it Node strips the types itself, which decorators are beyond.
 */
export function loaderArguments(file: string, own: readonly string[] = process.execArgv): readonly string[] {
  if (!/\.[cm]?tsx?$/.test(file) || own.some((arg) => arg.includes('tsx'))) return own
  const tsx = resolveTsx(file)
  return tsx === undefined ? own : [...own, '--import', tsx]
}

function resolveTsx(file: string): string | undefined {
  try {
    return pathToFileURL(createRequire(resolve(file)).resolve('tsx')).href
  } catch {
    return undefined
  }
}
