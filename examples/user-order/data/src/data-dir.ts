import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The example's own folder, so that a service finds its data from whatever folder it is started. */
const exampleDir = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Where a service keeps its SQLite file.
 *
 * @param dataDir The folder, or `:memory:` for no file at all. @defaultValue `.data` in the example's folder
 */
export function sqliteFile(name: string, dataDir: string = join(exampleDir, '.data')): string {
  return dataDir === inMemory ? dataDir : join(dataDir, name)
}

/** What the place of the queue comes from. */
export interface QueueFileSettings {
  /** The file itself, or `:memory:`. @defaultValue `queue.db` beside the data */
  readonly queueFile: string | undefined
  readonly dataDir: string | undefined
}

/** The file of the queue that all services of this machine share; undefined for messages that stay in the process. */
export function queuePath({ queueFile, dataDir }: QueueFileSettings): string | undefined {
  const file = queueFile ?? sqliteFile('queue.db', dataDir)
  return file === inMemory ? undefined : file
}

const inMemory = ':memory:'
