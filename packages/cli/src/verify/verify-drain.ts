import { randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { HandledMessage } from '../instance/instance-message.ts'
import { importFile, ModuleError } from '../module/service-module.ts'
import { SampleBook } from '../sample/sample-book.ts'
import type { Samples } from '../sample/samples.ts'
import { findCauses, findNotes } from './cause.ts'
import { DrainError } from './drain-error.ts'
import type { DrainTask } from './drain-task.ts'
import type { DrainReport, ServiceReport } from './report.ts'
import { Rollout } from './rollout.ts'
import { prepareLoad, type ServiceLoad } from './service-load.ts'
import type { InstanceRecord } from './verified-instance.ts'
import { loadVerified, type VerifiedService } from './verified-service.ts'

export interface DrainSurroundings {
  readonly childFile: string
  /** Takes what happens, a line each. */
  progress(line: string): void
}

/**
 * Restarts services under load, and says what became of every call and message.
 *
 * @throws DrainError when nothing can be said; ModuleError for a file that is no service or samples
 */
export async function verifyDrain(task: DrainTask, surroundings: DrainSurroundings): Promise<DrainReport> {
  const services = await loadAll(task)
  const samples = await loadSamples(task.samplesFile)
  requireKnown(samples, services)
  const book = new SampleBook(samples)
  const idPrefix = `verify-${randomUUID()}-`
  const loads = new Map<Rollout, ServiceLoad>()
  const handled = (message: HandledMessage) => {
    for (const load of loads.values()) load.handled(message)
  }
  const parts = { task, idPrefix, handled, childFile: surroundings.childFile }
  const rollouts: Rollout[] = []
  try {
    for (const service of services) rollouts.push(await Rollout.open(service, parts))
    await beginAll(rollouts, surroundings)
    for (const rollout of rollouts) loads.set(rollout, await prepareLoad(rollout, book, idPrefix))
    requireCovered(loads)
    await requireAnswers(loads)
    return await runAll(loads, task, surroundings)
  } finally {
    await Promise.all([...loads.values()].map((load) => load[Symbol.asyncDispose]()))
    await Promise.all(rollouts.map((rollout) => rollout[Symbol.asyncDispose]()))
  }
}

async function loadAll({ services }: DrainTask): Promise<readonly VerifiedService[]> {
  const loaded: VerifiedService[] = []
  for (const place of services) loaded.push(await loadVerified(place))
  return loaded
}

async function loadSamples(file: string | undefined): Promise<Samples> {
  if (file === undefined) return {}
  const { default: samples } = await importFile(file)
  if (typeof samples === 'object' && samples !== null) return samples as Samples
  throw new ModuleError(`${file}: expected samples as the default export, by operation or topic`)
}

function requireKnown(samples: Samples, services: readonly VerifiedService[]): void {
  const known = services.flatMap(({ operations, topics }) => [
    ...operations.map(({ id }) => id),
    ...topics.map(({ topic }) => topic),
  ])
  const strays = new SampleBook(samples).strays(new Set(known))
  if (strays.length > 0)
    throw new DrainError(`samples: nothing has the name ${strays.join(', ')}; expected some of ${known.join(', ')}`)
}

async function beginAll(rollouts: readonly Rollout[], { progress }: DrainSurroundings): Promise<void> {
  const remotes = Object.assign({}, ...rollouts.map((rollout) => rollout.remotes())) as ReturnType<Rollout['remotes']>
  for (const rollout of rollouts) {
    try {
      await rollout.begin(remotes)
      progress(`${rollout.service.name}: the first instance is ready`)
    } catch (error) {
      throw new DrainError(`${rollout.service.name} does not start: ${textOf(error)}`, { cause: error })
    }
  }
}

/** What nothing is sent to cannot fail. */
function requireCovered(loads: ReadonlyMap<Rollout, ServiceLoad>): void {
  const problems = [...loads.values()].flatMap((load) => load.uncovered)
  if (problems.length === 0) return
  throw new DrainError(
    `nothing would be sent to these, so nothing can be said; leave them out (--samples, false), or let them be reached by HTTP or gRPC without TLS or by a queue:\n${problems.join('\n')}`,
  )
}

/** A service that answers nothing before any restart cannot be judged. */
async function requireAnswers(loads: ReadonlyMap<Rollout, ServiceLoad>): Promise<void> {
  const problems: string[] = []
  for (const load of loads.values()) problems.push(...(await load.tryOnce()))
  if (problems.length === 0) return
  throw new DrainError(
    `before any restart these fail, so nothing can be said; give samples that are answered (--samples), or leave them out (false):\n${problems.join('\n')}`,
  )
}

async function runAll(
  loads: ReadonlyMap<Rollout, ServiceLoad>,
  task: DrainTask,
  surroundings: DrainSurroundings,
): Promise<DrainReport> {
  surroundings.progress('every operation and topic is answered; the load begins')
  const standstill = monitorEventLoopDelay()
  standstill.enable()
  for (const load of loads.values()) load.start(task.perSecond)
  const failure = await rollAll([...loads.keys()], task, surroundings)
  surroundings.progress('the last calls are waited for')
  await Promise.all([...loads.values()].map((load) => load.finish()))
  surroundings.progress('the last messages are waited for')
  await Promise.all([...loads.values()].map((load) => load.ledger.settle(task.settleMs)))
  const services: ServiceReport[] = []
  for (const [rollout, load] of [...loads].toReversed())
    services.unshift(await conclude(rollout, load, failure?.rollout === rollout ? failure.message : undefined))
  const longestStandstillMs = Math.round(standstill.max / 1_000_000)
  standstill.disable()
  return { ok: services.every(({ causes }) => causes.length === 0), services, longestStandstillMs }
}

interface StartFailure {
  readonly rollout: Rollout
  readonly message: string
}

/** Ends with the first instance that does not start. @throws DrainError when a balancer has ended */
async function rollAll(
  rollouts: readonly Rollout[],
  { restartCount }: DrainTask,
  { progress }: DrainSurroundings,
): Promise<StartFailure | undefined> {
  for (let restart = 1; restart <= restartCount; restart++) {
    for (const rollout of rollouts) {
      try {
        const record = await rollout.roll()
        if (record) progress(`${rollout.service.name}: restart ${restart} of ${restartCount}, ${endText(record)}`)
      } catch (error) {
        if (error instanceof DrainError) throw error
        return { rollout, message: textOf(error) }
      }
    }
  }
  return undefined
}

/** Long enough for a broker that is there, in milliseconds. */
const lagTimeoutMs = 10_000

async function conclude(rollout: Rollout, load: ServiceLoad, startFailure: string | undefined): Promise<ServiceReport> {
  const { lostBy } = load.ledger.count()
  const lags = lostBy.length > 0 ? await rollout.current?.process.lags(lagTimeoutMs) : undefined
  const transports = load.counts()
  await rollout.finish()
  const { records, service } = rollout
  const { shutdownTimeoutMs } = service.description.limits
  return {
    name: service.name,
    restartCount: Math.max(0, records.length - 1),
    transports,
    exits: exitsOf(records),
    slowestStart: slowest(records.flatMap(({ startPhases }) => startPhases)),
    slowestStop: slowest(records.flatMap(({ stopPhases }) => stopPhases)),
    longestStopMs: Math.max(0, ...records.map(({ stopMs }) => stopMs)),
    notes: findNotes(records),
    causes: findCauses({
      records,
      transports,
      lostBy,
      lags,
      shutdownTimeoutMs,
      startFailure,
      delayMs: rollout.delayMs,
      unledCount: rollout.unledCount,
    }),
  }
}

function exitsOf(records: readonly InstanceRecord[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const record of records) {
    const end = endOf(record)
    counts[end] = (counts[end] ?? 0) + 1
  }
  return counts
}

function endOf({ end: { code, signal } }: InstanceRecord): string {
  return signal ?? String(code)
}

function endText(record: InstanceRecord): string {
  const code = record.end.signal ?? `exit code ${record.end.code}`
  return `${code} after ${record.stopMs} ms`
}

function slowest<Phase extends { readonly durationMs: number }>(phases: readonly Phase[]): Phase | undefined {
  return phases.toSorted((one, other) => other.durationMs - one.durationMs)[0]
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
