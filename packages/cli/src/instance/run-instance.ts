import { subscribe } from 'node:diagnostics_channel'
import type { StartedService } from '@tenon/core'
import type { Provider, Transport } from '@tenon/core/transport'
import { loadService } from '../module/service-module.ts'
import type { GroupLag, InstanceMessage, InstanceTask, TimedPhase } from './instance-message.ts'
import { type MessageWatch, watchedTransport } from './watched-transport.ts'

/**
 * Runs a service as its own main file would: until a signal, and its exit code is the process's. What differs: any free port, no
 * registry, and the verifier is told of what happens.
 */
export async function runInstance(task: InstanceTask): Promise<void> {
  // A verifier that is gone leaves nothing behind.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  const service = await loadService(task)
  tell({ event: 'phase', stage: 'start', phase: 'import', durationMs: Math.round(performance.now()) })
  tellPhases()
  const watch: MessageWatch = { idPrefix: task.idPrefix, serviceName: service.name, tell }
  let own: readonly Transport[] = []
  process.on('message', () => void lagsOf(own).then((groups) => tell({ event: 'lag', groups })))
  // The channel alone must not keep the process up.
  process.channel?.unref()
  await service.run({
    admin: { port: 0 },
    registry: false,
    deregisterDelayMs: task.deregisterDelayMs,
    remotes: (given) => given.map((provider) => movedRemote(provider, task.remotes)),
    transports: (given) => {
      own = given
      return given.map((transport) => watchedTransport(transport, watch))
    },
    onReady: tellLife,
  })
}

/** Nothing waits for it: what was said before the process ends is on its way already. */
function tell(message: InstanceMessage): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined)
}

function tellLife({ addresses, ended }: StartedService): void {
  tell({ event: 'ready', addresses })
  void ended.then(({ exitCode, phases }) => {
    const told: readonly TimedPhase[] = phases.map(({ phase, durationMs, error }) => ({
      phase,
      durationMs,
      ...(error && { error: textOf(error) }),
    }))
    tell({ event: 'ended', exitCode, phases: told })
  })
}

/** Several failures of one phase come together. */
function textOf(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message
  const all = error.errors.map((one: unknown) => (one instanceof Error ? textOf(one) : String(one)))
  return `${error.message}: ${all.join('; ')}`
}

/** What core publishes where a phase begins and ends. */
interface PhaseEvent {
  readonly stage: 'start' | 'stop'
  readonly name: string
  readonly at: 'begin' | 'end'
}

/** Each as it happens, so that of a process that is killed it is known where it stood. */
function tellPhases(): void {
  const begunAtMs = new Map<string, number>()
  subscribe('tenon.lifecycle.phase', (message) => {
    const { stage, name: phase, at } = message as PhaseEvent
    const beganMs = begunAtMs.get(`${stage} ${phase}`)
    if (at === 'begin') begunAtMs.set(`${stage} ${phase}`, performance.now())
    const hasEnded = at === 'end' && beganMs !== undefined
    const durationMs = hasEnded ? Math.round(performance.now() - beganMs) : undefined
    tell({ event: 'phase', stage, phase, durationMs })
  })
}

function movedRemote(provider: Provider, addresses: Readonly<Record<string, string>>): Provider {
  const { remote } = provider
  const at = remote && addresses[`${remote.contract} ${remote.transport}`]
  return remote && at !== undefined ? remote.movedTo(at) : provider
}

/** What queue transports say of their consumers; another transport has no such thing. */
async function lagsOf(transports: readonly Transport[]): Promise<readonly GroupLag[]> {
  const reports = await Promise.all(transports.map(reportsOf))
  return reports.flat()
}

async function reportsOf(transport: Transport): Promise<readonly GroupLag[]> {
  if (!('consumers' in transport) || typeof transport.consumers !== 'function') return []
  // A queue transport: its reports have more than this.
  const reports = (await transport.consumers()) as readonly (GroupLag & { readonly group: string | undefined })[]
  return reports.flatMap(({ topic, group, lagCount }) => (group === undefined ? [] : [{ topic, group, lagCount }]))
}
