import {
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerMethodDefinition,
  status,
} from '@grpc/grpc-js'
import type { Logger } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { privateNames } from '../wire/private-names.ts'
import { requireNames } from './require-names.ts'

const method = {} as ServerMethodDefinition<Buffer, Buffer>

/** What grpc-js hands to interceptors, without one of its names, and what became of it. */
function fakeCall(lacked?: string) {
  const told: unknown[] = []
  const names = Object.fromEntries(privateNames.serverCall.map((name) => [name, undefined]))
  const decoder = Object.fromEntries(privateNames.decoder.map((name) => [name, undefined]))
  const call: Record<string, unknown> = {
    ...names,
    decoder,
    start: () => told.push('started'),
    sendStatus: (given: unknown) => told.push(given),
  }
  if (lacked !== undefined) {
    delete call[lacked]
    delete decoder[lacked]
  }
  return { call: call as unknown as ServerInterceptingCallInterface, told }
}

function interceptor() {
  const lines: unknown[] = []
  const error = (fields: object, message?: string) => void lines.push([fields, message])
  const log: Logger = { debug() {}, info() {}, warn() {}, error, child: () => log }
  return { intercept: requireNames(log), lines }
}

function start(intercept: ServerInterceptor, call: ServerInterceptingCallInterface): ServerInterceptingCall {
  const taken = intercept(method, call)
  taken.start({} as Parameters<ServerInterceptingCall['start']>[0])
  return taken
}

test.each([...privateNames.serverCall, ...privateNames.decoder])(
  'a call of a release that has moved %s is refused as internal, reaches nobody, and an error says why',
  (lacked) => {
    const { intercept, lines } = interceptor()
    const { call, told } = fakeCall(lacked)
    start(intercept, call)
    expect(told).toEqual([{ code: status.INTERNAL, details: 'the server cannot take calls', metadata: null }])
    expect(lines).toEqual([[{ lacked: expect.arrayContaining([lacked]) }, expect.stringContaining('install 1.14')]])
  },
)

test('a call that lacks nothing is handed on as it is', () => {
  const { intercept, lines } = interceptor()
  const { call, told } = fakeCall()
  expect(start(intercept, call)).toBe(call)
  expect([told, lines]).toEqual([['started'], []])
})
