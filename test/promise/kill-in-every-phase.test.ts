import type { ChildProcess } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type PhaseStage, type StartPhaseName, type StopPhaseName, startPhases, stopPhases } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { sqliteDriver } from '@tenon/transport-queue'
import { describe, expect, test } from 'vitest'
import { noted } from './fixture/note-contract.ts'
import { startHeldProcess } from './held-process.ts'
import { temporaryFolder } from '../support/own-process.ts'

/** Where in its life a service is killed. */
interface Moment {
  readonly during: 'a start' | 'a start that fails' | 'a stop'
  readonly phase: StartPhaseName | StopPhaseName
  /** Everything before is done then; or what the phase waits for never comes. */
  readonly at: 'begin' | 'midst'
}

/** The others are over at once, or within 100 ms. */
const waitingPhases = [
  'create providers',
  'onStart',
  'first checks',
  'listen',
  'announce',
  'onReady',
  'deregister',
  'deregister delay',
  'wait for other services',
  'onDrain',
  'drain',
  'close transports',
  'onStop',
  'dispose providers',
  'flush telemetry',
] as const satisfies readonly Moment['phase'][]

const isOfUndoing = (phase: string) => phase === 'cut calls' || stopPhases.indexOf(phase as StopPhaseName) > drainIndex
const drainIndex = stopPhases.indexOf('drain')

const moments: readonly Moment[] = [
  ...startPhases.flatMap((phase) => momentsIn('a start', phase)),
  ...stopPhases.filter(isOfUndoing).flatMap((phase) => momentsIn('a start that fails', phase)),
  ...stopPhases.filter((phase) => phase !== 'cut calls').flatMap((phase) => momentsIn('a stop', phase)),
]

/** All of them take minutes: for the long run, with `TENON_KILLS=all`. */
const tested = process.env['TENON_KILLS'] === 'all' ? moments : moments.filter(isTelling)

/** Half of a start is there; messages and own work are in hand; all is closed but what is disposed. */
function isTelling({ during, phase, at }: Moment): boolean {
  return (
    (phase === 'onStart' && at === 'midst') ||
    (phase === 'drain' && at === 'midst') ||
    (phase === 'dispose providers' && at === 'begin' && during === 'a start that fails')
  )
}

function momentsIn(during: Moment['during'], phase: Moment['phase']): readonly Moment[] {
  const begin: Moment = { during, phase, at: 'begin' }
  return waitingPhases.some((waiting) => waiting === phase) ? [begin, { ...begin, at: 'midst' }] : [begin]
}

describe('a service that is killed, whatever it was doing', { timeout: 60_000 }, () => {
  test.for(tested)('starts again, loses no message and ends well: in $during, $at of "$phase"', async (moment) => {
    const { during, phase, at } = moment
    const DATA_DIR = await temporaryFolder()
    const published = ['before-1', 'before-2', 'before-3']
    await publishFrom(DATA_DIR, published)
    let killed: ChildProcess
    {
      const START_FAILS = during === 'a start that fails' ? 'yes' : ''
      await using held = startHeldProcess({ DATA_DIR, HELD_PHASE: phase, HELD_AT: at, START_FAILS })
      killed = held.child
      if (during === 'a stop') {
        await held.ready()
        for (const worker of workers) await held.printed(`${worker} has begun`)
        await held.addNote('by-http-1', 'http')
        await held.addNote('by-grpc-1', 'grpc')
        published.push('by-http-1', 'by-grpc-1')
        held.child.kill('SIGTERM')
      }
      await held.printed(`held in ${phase}`)
      held.child.kill('SIGKILL')
      expect(await held.ended).toBe('SIGKILL')
      // The phase had not ended.
      expect(held.output()).not.toContain(`"service":"note","stage":"${stageOf(moment)}","phase":"${phase}"`)
    }
    await using next = startHeldProcess({ DATA_DIR })
    await next.ready()
    await next.addNote('by-http-2', 'http')
    await next.addNote('by-grpc-2', 'grpc')
    published.push('by-http-2', 'by-grpc-2')
    await eventually(() => expect(handledIn(DATA_DIR)).toEqual(new Set(published)), { timeoutMs: 30_000 })
    for (const worker of workers) {
      await eventually(() => expect(stepsOf(worker, next.child, DATA_DIR)).toContain('done'), { timeoutMs: 30_000 })
      // All of it or nothing: a drain waits for its end.
      expect(stepsOf(worker, killed, DATA_DIR)).toEqual(isDrained(moment) ? ['begun', 'done'] : [])
    }
    next.child.kill('SIGTERM')
    expect(await next.ended).toBe(0)
    expect((await readdir(DATA_DIR)).toSorted()).toEqual(['note.db', 'queue.db', 'relay.db', 'tidy.db'])
  })
})

/** What the service does by itself: a task and a schedule. */
const workers = ['relay', 'tidy'] as const

function isDrained({ during, phase }: Moment): boolean {
  return during === 'a stop' && stopPhases.indexOf(phase as StopPhaseName) > drainIndex
}

function stageOf({ during }: Moment): PhaseStage {
  return during === 'a start' ? 'start' : 'stop'
}

/** Leaves notes in the queue, as a service did that is gone. */
async function publishFrom(folder: string, noteIds: readonly string[]): Promise<void> {
  const driver = sqliteDriver({ path: join(folder, 'queue.db') })
  const { topic } = noted
  await driver.connect({ clientId: 'sender' })
  await driver.ensureTopics([{ topic }])
  const records = noteIds.map((noteId) => ({
    topic,
    key: Buffer.from(noteId),
    value: Buffer.from(JSON.stringify({ noteId })),
    headers: [],
  }))
  await driver.produce(records, { timeoutMs: 5_000 })
  await driver.close()
}

function handledIn(folder: string): ReadonlySet<unknown> {
  using database = new DatabaseSync(join(folder, 'note.db'), { readOnly: true, timeout: 5_000 })
  const rows = database.prepare('SELECT noteId FROM handled').all()
  return new Set(rows.map(({ noteId }) => noteId))
}

/** What a process has written of the work of a task or a schedule. */
function stepsOf(worker: (typeof workers)[number], { pid = 0 }: ChildProcess, folder: string): readonly unknown[] {
  using database = new DatabaseSync(join(folder, `${worker}.db`), { readOnly: true, timeout: 5_000 })
  const rows = database.prepare('SELECT step FROM worked WHERE pid = ? ORDER BY rowid').all(pid)
  return rows.map(({ step }) => step)
}
