import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { metrics, type MeterProvider, trace, type TracerProvider } from '@opentelemetry/api'
import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import { telemetrySinks } from './flush.ts'
import type { Logger } from './log.ts'

afterEach(() => {
  metrics.disable()
  trace.disable()
})

const nothing = () => undefined
const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => silent }

it('has nothing to flush without an SDK and without a logger that can', () => {
  expect(telemetrySinks(silent)).toEqual([])
})

it('flushes the providers of the SDK, the tracer’s behind the proxy of the API', async () => {
  const flushed: string[] = []
  const provider = (name: string) => ({ forceFlush: async () => void flushed.push(name) })
  trace.setGlobalTracerProvider(provider('spans') as unknown as TracerProvider)
  metrics.setGlobalMeterProvider(provider('metrics') as unknown as MeterProvider)
  const sinks = telemetrySinks(silent)
  expect(sinks.map(({ name }) => name)).toEqual(['spans', 'metrics'])
  for (const { flush } of sinks) await flush()
  expect(flushed).toEqual(['spans', 'metrics'])
})

it('flushes what else keeps telemetry', async () => {
  const flushed: string[] = []
  const [sink, ...others] = telemetrySinks(silent, { flush: () => flushed.push('lines') })
  expect([sink?.name, others]).toEqual(['telemetry', []])
  await sink?.flush()
  expect(flushed).toEqual(['lines'])
  expect(telemetrySinks(silent, {})).toEqual([])
})

it('waits for a logger that calls back, and for one that gives a promise', async () => {
  for (const error of [undefined, new Error('disk full')]) {
    const [called] = telemetrySinks({ ...silent, flush: (done) => setImmediate(done, error) })
    const [promised] = telemetrySinks({ ...silent, flush: () => (error ? Promise.reject(error) : Promise.resolve()) })
    for (const sink of [called, promised]) {
      const flushed = Promise.resolve(sink?.flush())
      await (error ? expect(flushed).rejects.toBe(error) : expect(flushed).resolves.toBeUndefined())
    }
  }
})

it('lets pino write what it keeps back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-flush-'))
  const file = join(folder, 'log')
  const log = pino(pino.destination({ dest: file, sync: false, minLength: 4_096 }))
  log.info({}, 'the last word')
  expect(await readFile(file, 'utf8').catch(() => '')).toBe('')
  for (const { flush } of telemetrySinks(log)) await flush()
  expect(await readFile(file, 'utf8')).toContain('the last word')
  await rm(folder, { recursive: true })
})

it('waits for no logger that takes no callback and gives no promise', async () => {
  const [sink] = telemetrySinks({ ...silent, flush: nothing })
  await expect(Promise.resolve(sink?.flush())).resolves.toBeUndefined()
})
