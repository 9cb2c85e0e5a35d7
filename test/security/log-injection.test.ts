import { once } from 'node:events'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { expect, test } from 'vitest'
import { callRaw, framed, openSession } from '../grpc/raw-call.ts'
import { runFile } from '../support/own-process.ts'
import { postRaw } from './target.ts'

const forgedLine = '\n{"level":30,"msg":"forged"}\n'
const attack = `${forgedLine}\r\n","msg":"forged","a":"\u001b[2J\u0007\b`

test('what callers say stays one field of one line of the log, whatever stands in it', async () => {
  await using target = runFile(join(import.meta.dirname, 'fixture/logging-service.ts'), { LOG_LEVEL: 'debug' })
  const [{ addresses }] = (await once(target.child, 'message')) as [{ readonly addresses: readonly Address[] }]
  const portOf = (name: string) => addresses.find(({ protocol }) => protocol.startsWith(name))?.port ?? 0
  const path = `/v1/notes/${encodeURIComponent(attack)}`
  const headers = [
    'x-request-id: a","msg":"forged',
    'traceparent: 00-","msg":"forged",":"aaaaaaaaaaaaaaaaaaaaaa-aaaaaaaaaaaaaaaa-01',
    'user-agent: \\n{"msg":"forged"}',
    '',
  ].join('\r\n')
  expect(await postRaw(portOf('http'), path, '{}', headers)).toMatch(/^HTTP\/1.1 404/)
  const text = Buffer.from(attack)
  const message = framed(Buffer.concat([Buffer.from([0x0a, text.length]), text]))
  const reply = await callRaw(openSession(portOf('grpc')), {
    path: '/test.v1.NoteService/WriteNote',
    headers: { 'x-request-id': 'a","msg":"forged' },
    chunks: [message],
  })
  expect(reply).toMatchObject({ grpcStatus: 5, message: attack })
  const lines = await eventually(() => {
    const written = target.output().trimEnd().split('\n')
    expect(written.filter((line) => line.includes('"code":"not_found"'))).toHaveLength(2)
    return written
  })
  // oxlint-disable-next-line no-control-regex -- a terminal obeys these
  expect(target.output().replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f]/)
  const parsed = lines.map((line) => JSON.parse(line) as { readonly msg: string; readonly callId?: string })
  expect(parsed.filter(({ msg }) => msg === attack)).toHaveLength(2)
  expect(parsed.map(({ msg }) => msg)).not.toContain('forged')
  expect(parsed.map(({ callId = '' }) => callId).join('')).not.toMatch(/["\\]/)
})
