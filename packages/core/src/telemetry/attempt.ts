/** What the work gives; undefined where an SDK or an exporter throws, for no call may fail for being observed. */
export function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
