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
  return dataDir === ':memory:' ? dataDir : join(dataDir, name)
}
