/** A place for one request at a time. Lanes may share a connection, or be the same one, where that carries several requests at once. */
export interface Lane {
  /** Sends the request; `answered` is called when its reply is complete and was the expected one. */
  exchange(answered: () => void): void
  /** Told when a reply is not what was expected, or the connection is lost. */
  onFailure(failed: (error: Error) => void): void
  close(): void
}

/** Opens all lanes to a server; the same number for every kind of request. */
export type OpenLanes = (port: number) => Promise<readonly Lane[]>

/** So many requests are on the way at any time. */
export const laneCount = 32

/** Sends requests as fast as they are answered, one at a time on each lane, and closes them. */
export async function loadLanes(lanes: readonly Lane[], requestCount: number): Promise<void> {
  let left = requestCount
  const run = (lane: Lane) =>
    new Promise<void>((resolve) => {
      const next = () => {
        if (left-- > 0) lane.exchange(next)
        else resolve()
      }
      next()
    })
  await untilFailure(lanes, () => Promise.all(lanes.map(run)))
}

/** Runs a load on lanes, gives up with the first of them that fails, and closes them. */
export async function untilFailure(lanes: readonly Lane[], run: () => Promise<unknown>): Promise<void> {
  const failed = Promise.withResolvers<never>()
  for (const lane of lanes) lane.onFailure(failed.reject)
  try {
    await Promise.race([run(), failed.promise])
  } finally {
    for (const lane of lanes) lane.close()
  }
}
