import { randomUUID } from 'node:crypto'
import type { ConfigTexts } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { tcpLink } from '@tenon/testing/registry'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { consulSource } from './index.ts'
import { consulAbsence, OwnConsul } from './own-consul.test-harness.ts'

// Each test says itself which token it uses.
vi.stubEnv('CONSUL_HTTP_TOKEN', '')

const skipped = consulAbsence === undefined ? '' : ` (skipped: ${consulAbsence})`
const times = { waitMs: 1_000, requestTimeoutMs: 1_000 } as const

describe.skipIf(consulAbsence !== undefined)(`consulSource${skipped}`, () => {
  let consul: OwnConsul
  let token: string
  beforeAll(async () => {
    consul = await OwnConsul.start({ hasAcl: true })
    token = await consul.token('key_prefix "config/" { policy = "read" }')
  })
  afterAll(() => consul[Symbol.asyncDispose]())

  const watchAt = (prefix: string, { address = consul.address, secret = token } = {}) => {
    const given = secret === '' ? {} : { token: secret }
    const source = consulSource({ address, prefix, ...given, ...times, maxValueBytes: 100 })
    const stop = new AbortController()
    const seen: ConfigTexts[] = []
    const troubles: string[] = []
    const reading = (async () => {
      for await (const texts of source.watch({
        signal: stop.signal,
        variables: ['A', 'B'],
        onTrouble: ({ message }) => troubles.push(message),
      }))
        seen.push(texts)
    })()
    onTestFinished(async () => {
      stop.abort()
      await reading
      await source.close?.()
    })
    const sees = (texts: ConfigTexts) => eventually(() => expect(seen.at(-1)).toEqual(texts), { timeoutMs: 10_000 })
    return { seen, troubles, sees }
  }
  const put = (key: string, value: string | Uint8Array) => consul.ask('PUT', `kv/${key}`, value)
  const fresh = () => `config/${randomUUID()}`

  it('has every key below the prefix, as it is made, changed and deleted', async () => {
    const prefix = fresh()
    const { seen, sees, troubles } = watchAt(prefix)
    await sees({})
    await put(`${prefix}/A`, 'one')
    await sees({ A: 'one' })
    await put(`${prefix}/B`, 'ö')
    await sees({ A: 'one', B: 'ö' })
    await put(`${prefix}/A`, 'two')
    await sees({ A: 'two', B: 'ö' })
    await consul.ask('DELETE', `kv/${prefix}/A`)
    await sees({ B: 'ö' })
    await consul.ask('DELETE', `kv/${prefix}?recurse`)
    await sees({})
    expect(seen).toHaveLength(6)
    expect(troubles).toEqual([])
  })

  it('gives nothing anew where others change, or a value is written again', async () => {
    const prefix = fresh()
    await put(`${prefix}/A`, '1')
    const { seen, sees } = watchAt(prefix)
    await sees({ A: '1' })
    await put(`${prefix}-other/A`, '2')
    await put(`${prefix}/C`, '2')
    await put(`${prefix}/A`, '1')
    await put(`${prefix}/B`, 'last')
    await sees({ A: '1', B: 'last' })
    expect(seen).toHaveLength(2)
  })

  it('leaves out what it cannot read, and tells', async () => {
    const prefix = fresh()
    await put(`${prefix}/A`, new Uint8Array([0xff]))
    await put(`${prefix}/B`, 'x'.repeat(101))
    const { sees, troubles } = watchAt(prefix)
    await sees({})
    expect(troubles.join()).toContain(`consul ${prefix}/: the key ${prefix}/A is left out: its value is no UTF-8`)
    expect(troubles.join()).toContain('longer than maxValueBytes, 100')
    await put(`${prefix}/A`, 'fine')
    await sees({ A: 'fine' })
  })

  it.each(['cut', 'freeze'] as const)(
    'keeps the last values in an outage, and goes on after it (%s)',
    async (fault) => {
      const prefix = fresh()
      await put(`${prefix}/A`, '1')
      const link = await tcpLink(consul.port)
      onTestFinished(() => link[Symbol.asyncDispose]())
      const { address } = link
      const { seen, sees, troubles } = watchAt(prefix, { address })
      await sees({ A: '1' })
      await link[fault]()
      await put(`${prefix}/A`, '2')
      await eventually(() => expect(troubles).not.toEqual([]), { timeoutMs: 10_000 })
      expect(seen).toEqual([{ A: '1' }])
      await link.restore()
      await sees({ A: '2' })
    },
  )

  it('gives all values again after an outage in which nothing has changed', async () => {
    const prefix = fresh()
    await put(`${prefix}/A`, '1')
    const link = await tcpLink(consul.port)
    onTestFinished(() => link[Symbol.asyncDispose]())
    const { address } = link
    const { seen, sees, troubles } = watchAt(prefix, { address })
    await sees({ A: '1' })
    await link.cut()
    await eventually(() => expect(troubles).not.toEqual([]), { timeoutMs: 10_000 })
    await link.restore()
    await eventually(() => expect(seen).toEqual([{ A: '1' }, { A: '1' }]), { timeoutMs: 10_000 })
  })

  it('says what the token lacks, and keeps what it has read when its rights are taken', async () => {
    const unknown = watchAt('elsewhere', { secret: '00000000-0000-4000-8000-000000000000' })
    await eventually(() =>
      expect(unknown.troubles.join()).toMatch(/asked for the keys below elsewhere\/ .*key:read.* answered 403/),
    )
    const prefix = fresh()
    await put(`${prefix}/A`, '1')
    const weak = watchAt(prefix, { secret: await consul.token('key "config/other" { policy = "read" }') })
    await eventually(() => expect(weak.troubles.join()).toContain(`Consul hides keys below ${prefix}/`))
    expect(weak.seen).toEqual([])
    const none = watchAt(prefix, { secret: '' })
    await none.sees({})
    expect(none.troubles.join()).toContain(`Consul hides keys below ${prefix}/, or may`)
  })
})
