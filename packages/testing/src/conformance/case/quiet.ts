/** Turns of the event loop in which nothing happens, after which nothing is taken to be under way. A guess. */
const quietTurnCount = 300

/**
 * Resolves when a number no longer changes. Takes turns and measures no time: where it is told too early a case sees less of
 * what is wrong, and one that is right never fails by it.
 */
export async function quiet(count: () => number): Promise<void> {
  let last = count()
  for (let turn = 0; turn < quietTurnCount; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    if (count() !== last) turn = 0
    last = count()
  }
}
