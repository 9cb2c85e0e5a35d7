import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import type { GeneratedFile } from './generated-file.ts'

/** A generated file beside what is there of its name. */
export type ComparedFile = GeneratedFile &
  (
    | { readonly state: 'new' | 'same' | 'yours' }
    /** From what is there to what is generated, as a unified diff. */
    | { readonly state: 'differs'; readonly diff: string }
  )

/** Compares a file with that of the output folder; a starter that is there is the user's own. */
export async function compareFile(file: GeneratedFile, outFolder: string): Promise<ComparedFile> {
  const present = await textOf(join(outFolder, file.path))
  if (present === undefined) return { ...file, state: 'new' }
  if (file.isStarter) return { ...file, state: 'yours' }
  if (present === file.text) return { ...file, state: 'same' }
  return { ...file, state: 'differs', diff: diffOf(file, present) }
}

/** Undefined where there is none. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
}

function diffOf({ path, text }: GeneratedFile, present: string): string {
  const patch = createTwoFilesPatch(path, path, present, text, 'there', 'generated', {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  })
  return patch.trimEnd()
}
