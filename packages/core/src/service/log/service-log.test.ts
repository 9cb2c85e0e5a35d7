import { expect, it } from 'vitest'
import type { Logger } from '../../telemetry/log.ts'
import { LogLevels } from './log-levels.ts'
import { LogOutput } from './log-output.ts'
import { ServiceLog } from './service-log.ts'

function open() {
  const lines: string[] = []
  const line = (level: string) => (_fields: object, message?: string) => void lines.push(`${level} ${message}`)
  const all: Logger = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => all,
  }
  const levels = new LogLevels('info')
  const log = new ServiceLog(all, {
    levels,
    output: new LogOutput({ write: () => undefined, flush: (done) => done() }),
  })
  const told = (one: Logger, fields = {}) => {
    lines.length = 0
    for (const level of ['debug', 'info', 'warn', 'error'] as const) one[level](fields, 'm')
    return lines.map((text) => text.split(' ')[0])
  }
  return { levels, log, told }
}

it('writes what its level lets through, also in children that were made before the level changed', () => {
  const { levels, log, told } = open()
  const child = log.child({ transport: 'http' })
  expect(told(child)).toEqual(['info', 'warn', 'error'])
  levels.set('debug')
  expect(told(child)).toEqual(['debug', 'info', 'warn', 'error'])
  levels.set('error')
  expect(told(log)).toEqual(['error'])
  levels.set('silent')
  expect(told(log)).toEqual([])
})

it('writes the lines of one operation at a level of its own, whether the child or the line names it', () => {
  const { levels, log, told } = open()
  const call = log.child({ callId: 'c', operation: 'shop.Orders/get' }).child({ step: 1 })
  levels.setOperation('shop.Orders/get', 'debug')
  expect(told(call)).toContain('debug')
  expect(told(log, { operation: 'shop.Orders/get' })).toContain('debug')
  expect(told(log, { operation: 'shop.Orders/put' })).not.toContain('debug')
  expect(told(log)).not.toContain('debug')
  levels.setOperation('shop.Orders/get', 'silent')
  expect(told(call)).toEqual([])
  levels.setOperation('shop.Orders/get', undefined)
  expect(told(call)).toEqual(['info', 'warn', 'error'])
})

it('takes whatever is logged', () => {
  const { log, told } = open()
  for (const fields of [undefined, null, 'text', { operation: 5 }])
    expect(told(log, fields as unknown as object)).toEqual(['info', 'warn', 'error'])
})
