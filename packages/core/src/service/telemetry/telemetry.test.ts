import { spawnSync } from 'node:child_process'
import { expect, it, vi } from 'vitest'
import { ConfigError } from '../../error/setup-error.ts'
import { silent } from '../../telemetry/log.ts'
import { defineService } from '../define-service.ts'
import type { RunningTelemetry, Telemetry, TelemetrySite } from './telemetry.ts'

function noted(running: Partial<RunningTelemetry> = {}) {
  const calls: unknown[] = []
  const telemetry: Telemetry = {
    start: async (site) => {
      calls.push(['start', site])
      return {
        flush: async () => void calls.push('flush'),
        stop: async () => void calls.push('stop'),
        ...running,
      }
    },
  }
  return { calls, telemetry }
}

const serviceOf = (telemetry: Telemetry) =>
  defineService({
    name: 'note',
    version: '1.2.3',
    handlers: [],
    admin: { port: 0 },
    telemetry: () => telemetry,
  })

const quiet = { environment: { TENON_INSTANCE_ID: 'a' }, log: silent }

it('starts with the service, is flushed while it stops, and stops last', async () => {
  const { calls, telemetry } = noted()
  const started = await serviceOf(telemetry).start(quiet)
  const service = { name: 'note', version: '1.2.3', instanceId: 'note-a' }
  expect(calls).toEqual([
    ['start', { service, environment: { TENON_INSTANCE_ID: 'a' }, log: silent } satisfies TelemetrySite],
  ])
  const { phases } = await started.stop()
  expect(calls.slice(1)).toEqual(['flush', 'stop'])
  expect(phases.map(({ phase }) => phase).slice(-2)).toEqual(['flush telemetry', 'close admin server'])
})

it('answers its routes on the admin server', async () => {
  const answer = () => ({ status: 200, headers: {}, body: 'a 1' })
  const { telemetry } = noted({ routes: [{ path: '/metrics', methods: ['GET'], answer }] })
  await using started = await serviceOf(telemetry).start(quiet)
  const { host, port } = started.addresses[0] ?? {}
  expect(await (await fetch(`http://${host}:${port}/metrics`)).text()).toBe('a 1')
})

it('fails the start when it cannot start, and is not begun where a start goes without', async () => {
  const problem = { code: 'config.package', message: 'not installed' } as const
  const failing: Telemetry = { start: () => Promise.reject(new ConfigError([problem])) }
  await expect(serviceOf(failing).start(quiet)).rejects.toMatchObject({ problems: [problem] })
  await using started = await serviceOf(failing).start({ ...quiet, telemetry: false })
  expect(started.state).toBe('ready')
})

it('stops when the service is asked to stop while it starts, also where it starts only after that', async () => {
  const calls: string[] = []
  const starting = Promise.withResolvers<RunningTelemetry>()
  const service = defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [],
    admin: false,
    startTimeoutMs: 50,
    telemetry: () => ({ start: () => starting.promise }),
  })
  await expect(service.start(quiet)).rejects.toMatchObject({ problems: [{ code: 'service.phase_timed_out' }] })
  starting.resolve({ stop: async () => void calls.push('stop') })
  await vi.waitFor(() => expect(calls).toEqual(['stop']))

  const prompt: Telemetry = {
    start: async () => {
      void asked.stop()
      return { stop: async () => void calls.push('stop of one that was prompt') }
    },
  }
  const asked = serviceOf(prompt)
  await expect(asked.start(quiet)).rejects.toMatchObject({ problems: [{ code: 'service.stopped' }] })
  expect(calls).toEqual(['stop', 'stop of one that was prompt'])
})

it('is told of what its options cannot be by the check of a service', async () => {
  const problem = { code: 'config.malformed', message: 'observability: no' } as const
  const service = defineService({
    name: 'note',
    version: '1.0.0',
    handlers: [],
    telemetry: () => {
      throw new ConfigError([problem])
    },
  })
  expect(await service.check({ environment: {} })).toEqual({ ok: false, problems: [problem] })
})

it('is asked by the check of a service what would keep it from starting, and is not started', async () => {
  const { calls, telemetry } = noted()
  const check: Telemetry['check'] = async ({ OTEL }) => [{ code: 'config.malformed', message: `OTEL: found ${OTEL}` }]
  const checked = await serviceOf({ ...telemetry, check }).check({ environment: { OTEL: 'x' } })
  expect(checked.problems).toEqual([{ code: 'config.malformed', message: 'OTEL: found x' }])
  expect(calls).toEqual([])
})

it('is given each line of the log as it is written, redacted, from its start to the last one', () => {
  const source = `
    const { defineService } = await import(${JSON.stringify(new URL('../define-service.ts', import.meta.url).href)})
    const lines = []
    const telemetry = { start: async () => ({ writeLine: (line) => lines.push(line), stop: async () => undefined }) }
    const service = defineService({
      name: 'note', version: '1', handlers: [], admin: { port: 0 }, log: { redact: ['phase'] }, telemetry: () => telemetry,
    })
    await (await service.start({ environment: {} })).stop()
    console.error(JSON.stringify(lines))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
  })
  const given = JSON.parse(stderr) as readonly string[]
  const written = stdout.split('\n').map((line) => `${line}\n`)
  expect(given.at(-1)).toContain('note has stopped')
  expect(given.some((line) => line.includes('"phase":"***"'))).toBe(true)
  expect(written).toEqual(expect.arrayContaining([...given]))
})
