/** Paths that answer GET. */
export interface PagePaths {
  readonly at: readonly string[]
  /** Every path below these is theirs. */
  readonly below: readonly string[]
}

/**
 * What the page takes for itself when it is at a path.
 *
 * @see @fastify/swagger-ui, lib/routes.js
 */
export function pagePathsOf(path: string): PagePaths {
  return { at: [path, `${path}/`, `${path}/json`, `${path}/yaml`], below: [`${path}/static`] }
}
