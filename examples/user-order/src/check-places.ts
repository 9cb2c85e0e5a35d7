import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { queuePath, sqliteFile } from '@shop/data'

/** What keeps services in processes of their own from sharing messages and keeping data; undefined when nothing does. Makes the folders. */
export function checkPlaces(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const of = (name: string) => environment[name] || undefined
  const [dataDir, file] = [of('DATA_DIR'), of('QUEUE_FILE')]
  const queue = queuePath({ dataDir, queueFile: file })
  const hasBrokers = of('KAFKA_BROKERS') !== undefined
  if (!hasBrokers && queue === undefined) return memoryIsNotShared
  return [
    ...(hasBrokers || queue === undefined ? [] : [{ path: queue, variable: file ? 'QUEUE_FILE' : 'DATA_DIR' }]),
    ...(of('DATABASE_URL') ? [] : [{ path: sqliteFile('user.db', dataDir), variable: 'DATA_DIR' }]),
  ]
    .filter(({ path }) => path !== ':memory:')
    .map(({ path, variable }) => checkFolder(dirname(path), variable))
    .find((problem) => problem !== undefined)
}

const memoryIsNotShared =
  'each service is a process of its own, and messages in memory would not reach the other; name a folder in DATA_DIR, a file in QUEUE_FILE or brokers in KAFKA_BROKERS'

function checkFolder(folder: string, variable: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `nothing can be written in the folder ${folder} (${reason}); name another one in ${variable}`
  }
}
