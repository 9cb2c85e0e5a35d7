/** What became of calls that are made all the time. */
export interface SteadyLoad {
  /** Resolves when so many more calls have succeeded; rejects when one has failed by then. */
  succeeded(count: number): Promise<void>
  /** Makes no more calls, and tells what the failed ones failed with once all have ended. */
  finish(): Promise<{ readonly callCount: number; readonly failures: readonly string[] }>
}

/** Makes calls one after another, so many side by side. */
export function startSteadyLoad(call: () => Promise<unknown>, concurrentCount: number): SteadyLoad {
  let isOver = false
  let callCount = 0
  const failures: string[] = []
  const waiting = new Set<() => void>()
  const loop = async () => {
    while (!isOver) {
      try {
        await call()
        callCount += 1
      } catch (error) {
        failures.push(`after ${callCount} calls: ${String(error)}`)
      }
      for (const look of waiting) look()
    }
  }
  const loops = Array.from({ length: concurrentCount }, loop)
  return {
    succeeded: (count) => {
      const [goal, failed] = [callCount + count, failures.length]
      return new Promise((resolve, reject) => {
        const look = () => {
          if (failures.length > failed) reject(new Error(failures.slice(failed).join('\n')))
          else if (callCount >= goal) resolve()
          else return
          waiting.delete(look)
        }
        waiting.add(look)
      })
    },
    finish: async () => {
      isOver = true
      await Promise.all(loops)
      return { callCount, failures }
    },
  }
}
