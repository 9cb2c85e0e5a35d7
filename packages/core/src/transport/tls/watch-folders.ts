import { type FSWatcher, watch } from 'node:fs'

export interface FolderWatch {
  /** How long nothing more must change before it is told of. */
  readonly settleMs: number
  /** How often it is looked in any case. */
  readonly pollIntervalMs: number
  /** Called when something has changed in one of the folders, and from time to time. */
  readonly changed: () => void
}

/**
 * Tells when something changes in folders. Keeps no process alive. Stop it by disposing of it.
 *
 * Folders, not files: a file that is put in the place of another, as a link that is swapped, is no change of the other.
 */
export function watchFolders(
  folders: readonly string[],
  { settleMs, pollIntervalMs, changed }: FolderWatch,
): Disposable {
  let pending: NodeJS.Timeout | undefined
  const settle = () => {
    clearTimeout(pending)
    pending = setTimeout(changed, settleMs).unref()
  }
  const watchers = [...new Set(folders)].flatMap((folder) => watchFolder(folder, settle))
  const poll = setInterval(changed, pollIntervalMs).unref()
  return {
    [Symbol.dispose]() {
      clearTimeout(pending)
      clearInterval(poll)
      for (const watcher of watchers) watcher.close()
    },
  }
}

/** Some file systems tell of no change, and a process may watch a limited number of folders: then there is the poll. */
function watchFolder(folder: string, changed: () => void): readonly FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, changed)
    return [watcher.on('error', () => watcher.close())]
  } catch {
    return []
  }
}
