import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** A fenced block of a README. */
export interface ReadmeBlock {
  readonly language: string
  readonly text: string
  /** The second-level heading it stands under. */
  readonly heading: string
}

/** The text of a file, named from the root of the repository. */
export function readRootFile(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8')
}

/** The fenced blocks of a README, in their order. */
export async function readmeBlocks(name: string): Promise<readonly ReadmeBlock[]> {
  const markdown = await readRootFile(name)
  return markdown.split(/^## /m).flatMap((section) => {
    const [heading = ''] = section.split('\n', 1)
    const fences = section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)
    return Array.from(fences, ([, language = '', text = '']) => ({ language, text, heading }))
  })
}
