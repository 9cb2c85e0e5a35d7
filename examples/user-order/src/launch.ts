import { lineLabel } from './line-label.ts'
import { type ProcessEnd, type ServiceProcess, startService } from './service-process.ts'
import { welcome } from './welcome.ts'

/**
 * Runs services side by side, each in a process of its own, until SIGTERM or SIGINT, or until one of them ends. Then they drain one
 * after another, the last one first, for it may call those before it.
 *
 * @returns The exit code of the first that did not end well, else 0.
 */
export async function launch(names: readonly string[]): Promise<number> {
  const services = names.map((name) => startService(name, lineLabel(names, name)))
  using signals = new StopSignals(() => services.forEach((service) => service.kill()))
  void greet(services)
  let exitCode = 0
  const ends = services.map(async (service) => {
    const end = await service.ended
    exitCode ||= end.exitCode
    return { service, end }
  })
  const first = await Promise.race([signals.first, ...ends])
  if (first && !first.end.isExplained) tellEnd(first, services)
  for (const service of services.toReversed()) {
    service.stop()
    await service.ended
  }
  await Promise.all(ends)
  return exitCode
}

async function greet(services: readonly ServiceProcess[]): Promise<void> {
  const ready = (await Promise.all(services.map((service) => service.ready))).filter((each) => each !== undefined)
  if (ready.length === services.length) process.stdout.write(welcome(ready))
}

interface Ended {
  readonly service: ServiceProcess
  readonly end: ProcessEnd
}

function tellEnd({ service, end }: Ended, services: readonly ServiceProcess[]): void {
  const others = services.filter((each) => each !== service).map(({ name }) => name)
  process.stderr.write(`${service.name} ended by itself (${end.reason}), so ${others.join(' and ')} is stopped too\n`)
}

const stopSignals = ['SIGTERM', 'SIGINT'] as const

/** A terminal and npm both pass Ctrl-C on, so one press arrives twice within this time. */
const sameSignalMs = 200

/** Waits for a first signal, and calls `again` with a second one, of somebody who does not want to wait any longer. */
class StopSignals implements Disposable {
  readonly #again: () => void
  readonly #first = Promise.withResolvers<void>()
  readonly #listener = () => this.#receive()
  #firstAtMs: number | undefined

  constructor(again: () => void) {
    this.#again = again
    for (const signal of stopSignals) process.on(signal, this.#listener)
  }

  get first(): Promise<void> {
    return this.#first.promise
  }

  [Symbol.dispose](): void {
    for (const signal of stopSignals) process.off(signal, this.#listener)
  }

  #receive(): void {
    const nowMs = performance.now()
    this.#firstAtMs ??= nowMs
    this.#first.resolve()
    if (nowMs - this.#firstAtMs > sameSignalMs) this.#again()
  }
}
