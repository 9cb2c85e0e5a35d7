import { setTimeout as wait } from 'node:timers/promises'

/** What `/info` of a service tells. */
export interface Info {
  readonly addresses: readonly { readonly protocol: string; readonly port: number }[]
  readonly overload: { readonly concurrencyLimit: number; readonly waitingCount: number }
}

/** What a service was like while something happened. */
export interface ControlRange {
  readonly lowestLimit: number
  readonly highestLimit: number
  readonly mostWaiting: number
}

export async function askInfo(adminPort: number): Promise<Info> {
  return (await (await fetch(`http://127.0.0.1:${adminPort}/info`)).json()) as Info
}

/** Looks at a service ten times a second, as long as something happens. */
export async function watchControl(adminPort: number, happening: Promise<unknown>): Promise<ControlRange> {
  const seen: Info['overload'][] = []
  const over = happening.then(() => true)
  do seen.push((await askInfo(adminPort)).overload)
  while (!(await Promise.race([over, wait(lookMs, false)])))
  const limits = seen.map(({ concurrencyLimit }) => concurrencyLimit)
  return {
    lowestLimit: Math.min(...limits),
    highestLimit: Math.max(...limits),
    mostWaiting: Math.max(...seen.map(({ waitingCount }) => waitingCount)),
  }
}

/** As often as the service looks itself. */
const lookMs = 100
