import { once } from 'node:events'
import { chmod, lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'

/**
 * Listens at a Unix socket, with the mode of its file. A socket that nobody listens at, as a process that died leaves it, is replaced.
 * Node removes the file when the server closes.
 *
 * @throws Error of the system, `EADDRINUSE` when somebody listens there or the file is no socket.
 * @see unix(7): a socket that is bound stays in the file system until it is removed
 */
export async function listenAtPath(server: Server, path: string, mode: number): Promise<void> {
  try {
    await listen(server, path)
  } catch (error) {
    if (!isTaken(error) || !(await isStale(path))) throw error
    await unlink(path)
    await listen(server, path)
  }
  await chmod(path, mode)
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen({ path }, resolve)
  try {
    await promise
  } finally {
    server.off('error', reject).off('listening', resolve)
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

async function isStale(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false
  const probe = connect({ path })
  try {
    await once(probe, 'connect')
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
  } finally {
    probe.destroy()
  }
}
