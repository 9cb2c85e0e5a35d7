import type { Environment } from '../config/config.ts'

/** Who started this process, as it was when the process loaded its code. */
const firstParentId = process.ppid

/** How soon the death of a parent is noticed. A guess: nobody waits for it, and a look costs a microsecond. */
const lookMs = 1_000

/**
 * Tells once that the process which started this one is gone: the system gives its children to another one then.
 *
 * @see Node.js documentation, process.ppid: asks the system each time
 */
export function watchParent(gone: () => void): Disposable {
  const timer = setInterval(() => {
    if (process.ppid === firstParentId) return
    clearInterval(timer)
    gone()
  }, lookMs).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * Whether a tool holds this process, and should be outlived by it no more than a terminal by what runs in it: npm and its like, or one
 * that talks to it, such as tsx, `node --watch` or a test. A shell may end while what it started in the background goes on.
 *
 * @see npm documentation, scripts: variables of the environment
 */
export function isHeldByTool(environment: Environment): boolean {
  return process.connected || environment['npm_lifecycle_event'] !== undefined
}
