import type { ConfigTexts } from '@tenon/core/registry'
import { eventually } from '@tenon/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { type ScriptedAnswer, ScriptedAgent } from './agent/scripted-agent.test-harness.ts'
import { consulSource } from './index.ts'

// No test has a token.
vi.stubEnv('CONSUL_HTTP_TOKEN', '')

/** Watches the keys `A` and `B` below `a/` at an agent that gives these lists in turn; after the last one nothing changes. */
async function watch(lists: readonly ScriptedAnswer[]) {
  let at = 0
  const agent = await ScriptedAgent.start(({ query }) => {
    const place = query.has('recurse') ? at++ : at
    const headers = { 'x-consul-index': String(place + 10) }
    const given = lists[place]
    return given && { ...given, headers: { ...headers, ...given.headers } }
  })
  const source = consulSource({ address: agent.address, prefix: 'a/' })
  const stop = new AbortController()
  const seen: ConfigTexts[] = []
  const troubles: string[] = []
  const options = {
    signal: stop.signal,
    variables: ['A', 'B'],
    onTrouble: ({ message }: Error) => troubles.push(message),
  }
  const reading = (async () => {
    for await (const texts of source.watch(options)) seen.push(texts)
  })()
  onTestFinished(async () => {
    stop.abort()
    await reading
    await source.close?.()
    await agent[Symbol.asyncDispose]()
  })
  return {
    seen,
    troubles,
    sees: (expected: readonly ConfigTexts[]) => eventually(() => expect(seen).toEqual(expected)),
  }
}

const pair = (key: string, value: string | Uint8Array) => ({
  Key: `a/${key}`,
  Value: Buffer.from(value).toString('base64'),
})
const [good, bad] = [pair('A', '1'), pair('B', new Uint8Array([0xff]))]

it('gives the same values again when nothing is left out any more', async () => {
  const { sees, troubles } = await watch([
    { body: [good] },
    { body: [good, bad] },
    { body: [good, bad] },
    { body: [good] },
  ])
  await sees([{ A: '1' }, { A: '1' }, { A: '1' }])
  expect(troubles).toEqual(['consul a/: the key a/B is left out: its value is no UTF-8'])
})

it('says once to who has no token that there may be more', async () => {
  const none = { status: 404, headers: { 'x-consul-default-acl-policy': 'deny' } }
  const { sees, troubles } = await watch([none, none, { body: [good] }])
  await sees([{}, { A: '1' }])
  expect(troubles).toMatchObject([expect.stringContaining('Consul hides keys below a/, or may')])
})
