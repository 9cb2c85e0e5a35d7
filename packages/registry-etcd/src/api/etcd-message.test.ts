import { existsSync, globSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as messages from './etcd-message.ts'
import { methods } from './etcd-message.ts'
import { type Fields, type Message, message } from './message-codec.ts'

/** What etcd v3.6.16 was sent, and answered. */
const recorded = {
  putUnlessThere:
    '0a13080010021a0b2f7265636f726465642f613000121e121c0a0b2f7265636f726465642f6112036f6e651885deb0abc8c0e8bd7d1a0f0a0d0a0b2f7265636f726465642f61',
  wasThere:
    '0a1a08b9aec4abb989e5f7a70110fbfa8ba392e69eebdd01180220021a2c0a2a0a02180212220a0b2f7265636f726465642f611002180220012a036f6e653085deb0abc8c0e8bd7d2001',
  range:
    '0a1a08b9aec4abb989e5f7a70110fbfa8ba392e69eebdd011802200212220a0b2f7265636f726465642f611002180220012a036f6e653085deb0abc8c0e8bd7d2001',
  renewed: '0a1a08b9aec4abb989e5f7a70110fbfa8ba392e69eebdd01180220021085deb0abc8c0e8bd7d183c',
  deleted: '0a1a08b9aec4abb989e5f7a70110fbfa8ba392e69eebdd01180320025a130801120f0a0b2f7265636f726465642f611803',
  progress: '0a1a08b9aec4abb989e5f7a70110fbfa8ba392e69eebdd011802200210ffffffffffffffffff01',
}

const lease = 9_041_998_817_178_431_237n
const key = Buffer.from('/recorded/a')
const kv = { key, value: Buffer.from('one'), modRevision: 2n, lease }
const fromHex = (hex: string) => Buffer.from(hex, 'hex')

describe('the messages of etcd', () => {
  it('are what etcd was sent', () => {
    const isNew = { result: 0, target: 2, key, modRevision: 0n }
    const put = { requestPut: { key, value: kv.value, lease } }
    const request = { compare: [isNew], success: [put], failure: [{ requestRange: { key } }] }
    expect(Buffer.from(methods.txn.request.encode(request)).toString('hex')).toBe(recorded.putUnlessThere)
  })

  it('are what etcd answered', () => {
    expect(methods.txn.response.decode(fromHex(recorded.wasThere))).toEqual({
      succeeded: false,
      responses: [{ responseRange: { header: { revision: 2n }, kvs: [kv] } }],
    })
    expect(methods.range.response.decode(fromHex(recorded.range))).toEqual({ header: { revision: 2n }, kvs: [kv] })
    expect(methods.leaseKeepAlive.response.decode(fromHex(recorded.renewed))).toEqual({ id: lease, ttl: 60n })
    const nothing = {
      created: false,
      canceled: false,
      compactRevision: 0n,
      cancelReason: '',
      fragment: false,
      events: [],
    }
    expect(methods.watch.response.decode(fromHex(recorded.progress))).toEqual(nothing)
    const gone = { type: 1, kv: { key, value: new Uint8Array(), modRevision: 3n, lease: 0n } }
    expect(methods.watch.response.decode(fromHex(recorded.deleted))).toEqual({ ...nothing, events: [gone] })
  })

  const files = ['etcdserverpb/rpc.proto', 'mvccpb/kv.proto'].map(findProto)
  const absence = files.includes(undefined) ? " (skipped: no etcd in Go's module cache)" : ''
  it.skipIf(absence !== '')(`have the numbers and types of etcd's own files${absence}`, () => {
    const declared = files.map((file) => readFileSync(file ?? '', 'utf8')).join('\n')
    const ours = Object.entries(messages).flatMap(([name, one]) => ('fields' in one ? [[name, one] as const] : []))
    expect(ours.length).toBeGreaterThan(20)
    for (const [name, { fields }] of ours) expect(toDeclared(fields), name).toEqual(declaredOf(declared, name, fields))
    for (const { path } of Object.values(methods)) {
      const [, service, method] = /^\/etcdserverpb\.(\w+)\/(\w+)$/.exec(path) ?? []
      expect(declared).toMatch(new RegExp(`service ${service} \\{[^]*?rpc ${method}\\(`))
    }
  })
})

describe('message', () => {
  it('passes over fields that it does not know, whatever their form', () => {
    const newer = message({
      text: [1, 'string'],
      flag: [2, 'bool'],
      more: [3, message({ number: [1, 'int64'] })],
      last: [9, 'string'],
    })
    const older = message({ text: [1, 'string'], last: [9, 'string'] })
    const sent = newer.encode({ text: 'a', flag: true, more: { number: -5n }, last: 'z' })
    expect(older.decode(sent)).toEqual({ text: 'a', last: 'z' })
    expect(newer.decode(sent)).toEqual({ text: 'a', flag: true, more: { number: -5n }, last: 'z' })
  })

  it('refuses bytes that are no such message', () => {
    const one = message({ text: [1, 'string'] })
    expect(() => one.decode(fromHex('0a05'))).toThrow()
    expect(() => one.decode(fromHex('0801'))).toThrow('the field text has the wire type 0')
  })

  it('keeps integers whole up to 64 bits', () => {
    const one = message({ id: [1, 'int64'] })
    for (const id of [2n ** 63n - 1n, -(2n ** 63n), 0n]) expect(one.decode(one.encode({ id }))).toEqual({ id })
  })
})

function findProto(path: string): string | undefined {
  const cache = process.env['GOMODCACHE'] ?? join(homedir(), 'go/pkg/mod')
  if (!existsSync(cache)) return undefined
  return globSync(join(cache, 'go.etcd.io/etcd/api/v3@*', path))
    .toSorted()
    .at(-1)
}

/** Fields as `<number> <type>`, without what is the same in both: `repeated`, and how names are written. */
function toDeclared(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, [number, type, label]]) => [
      name.toLowerCase(),
      `${label ?? ''} ${typeof type === 'string' ? type : nameOf(type)} = ${number}`.trim(),
    ]),
  )
}

function declaredOf(text: string, message: string, fields: Fields): Record<string, string> {
  const [, body = ''] = new RegExp(`^message ${message} \\{\n([^]*?)^\\}`, 'im').exec(text) ?? []
  const lines = body.matchAll(/^\s*(repeated )?([\w.]+) (\w+) = (\d+)/gm)
  const all = [...lines].map(([, label = '', type = '', name = '', number]) => [
    name.replaceAll('_', '').toLowerCase(),
    `${label}${typeNameOf(type)} = ${number}`,
  ])
  const names = Object.keys(fields).map((name) => name.toLowerCase())
  return Object.fromEntries(all.filter(([name = '']) => names.includes(name)))
}

function typeNameOf(type: string): string {
  if (['bool', 'bytes', 'int64', 'string'].includes(type)) return type
  return /Type|Result|Target/.test(type) ? 'enum' : (type.split('.').at(-1) ?? '').toLowerCase()
}

function nameOf(type: Message): string {
  return (Object.entries(messages).find(([, one]) => one === type)?.[0] ?? '').toLowerCase()
}
