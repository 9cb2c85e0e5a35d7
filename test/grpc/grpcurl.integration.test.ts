import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { runTool, toolAbsence } from '../support/tool.ts'
import { startPeerService } from './peer-service.ts'

const absence = toolAbsence('grpcurl')
const service = 'test.peer.v1.PeerService'
/** A status leaves grpcurl as this and its number. @see grpcurl, its exit codes */
const statusBase = 64

interface Asked {
  readonly method?: string
  readonly args?: readonly string[]
  /** Messages, one behind another. */
  readonly data?: readonly object[]
}

async function startPeer(signal: AbortSignal) {
  const peer = await startPeerService()
  const run = (args: readonly string[]) => runTool(['grpcurl', '-plaintext', ...args], { folder: tmpdir(), signal })
  const call = ({ method = '', args = [], data = [{}] }: Asked) => {
    const text = data.map((one) => JSON.stringify(one)).join('')
    return run([...args, '-d', text, peer.address, `${service}/${method}`])
  }
  return { ...peer, run, call }
}

/** The JSON objects that were printed one behind another. */
function printed(output: string): unknown[] {
  return output
    .split(/^(?=\{)/m)
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as unknown)
}

describe.skipIf(absence)(`grpcurl${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('lists the services, the methods of one, and describes all of them', async ({ signal }) => {
    await using peer = await startPeer(signal)
    const services = await peer.run([peer.address, 'list'])
    expect(services.output.trim().split('\n').toSorted()).toEqual(['grpc.health.v1.Health', service])
    const methods = await peer.run([peer.address, 'list', service])
    expect(methods.output.trim().split('\n')).toEqual(
      ['Chat', 'Count', 'LastEnd', 'Say', 'Sum', 'Wait'].map((name) => `${service}.${name}`),
    )
    const all = await peer.run([peer.address, 'describe'])
    expect(all.code, all.output).toBe(0)
    expect(all.output).toContain(
      'rpc Chat ( stream .test.peer.v1.ChatRequest ) returns ( stream .test.peer.v1.ChatResponse );',
    )
    const message = await peer.run([peer.address, 'describe', 'test.peer.v1.SayRequest'])
    expect(message.output).toContain('map<string, string> labels = 8')
    expect(message.output).toContain('optional int64 id = 3')
  })

  test('gets back every field that it sends, and metadata', async ({ signal }) => {
    await using peer = await startPeer(signal)
    const sent = {
      mood: 'MOOD_LOUD',
      id: '9007199254740993',
      data: 'AAEC',
      ratio: 0.5,
      isOld: false,
      ranks: [1, -2, 0],
      labels: { a: 'b', '': '' },
      home: { city: '' },
    }
    const said = await peer.call({ method: 'Say', data: [{ name: 'Ada', ...sent }] })
    expect(printed(said.output)).toEqual([{ text: 'hello Ada', ...sent }])
    const args = ['-v', '-H', 'x-note: hi', '-H', 'x-raw-bin: /wA=']
    const { code, output } = await peer.call({ method: 'Say', args, data: [{ name: 'Ada' }] })
    expect(code, output).toBe(0)
    expect(output).toContain('x-said: Ada')
    expect(output).toContain('x-note: hi')
    expect(output).toMatch(/x-raw-bin: \/wA=?/)
  })

  test('streams in all directions', async ({ signal }) => {
    await using peer = await startPeer(signal)
    const counted = await peer.call({ method: 'Count', data: [{ upTo: 3 }] })
    expect(printed(counted.output)).toEqual([{ value: '1' }, { value: '2' }, { value: '3' }])
    const summed = await peer.call({ method: 'Sum', data: [{ value: 1 }, { value: 2 }, { value: 39 }] })
    expect(printed(summed.output)).toEqual([{ total: '42', itemCount: '3' }])
    const nothing = await peer.call({ method: 'Sum', data: [] })
    expect(printed(nothing.output)).toEqual([{ total: '0', itemCount: '0' }])
    const heard = await peer.call({ method: 'Chat', data: [{ text: 'a' }, { text: 'ü' }] })
    expect(printed(heard.output)).toEqual([{ text: 'heard a' }, { text: 'heard ü' }])
  })

  test('is told code, message and details of a failure', async ({ signal }) => {
    await using peer = await startPeer(signal)
    const args = ['-format-error']
    const missing = await peer.call({ method: 'Say', args, data: [{ name: 'nobody' }] })
    expect(missing.code).toBe(statusBase + 5)
    expect(printed(missing.output)).toEqual([
      {
        code: 5,
        message: 'nobody is not here',
        details: expect.arrayContaining([
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', domain: 'peer', reason: 'no_such_name' },
          { '@type': 'type.googleapis.com/google.protobuf.Struct', value: { name: 'nobody', retryable: false } },
        ]),
      },
    ])
    const invalid = await peer.call({ method: 'Say', args, data: [{ name: '' }] })
    expect(invalid.code).toBe(statusBase + 3)
    expect(invalid.output).toContain('google.rpc.BadRequest')
    expect(invalid.output).toContain('"field": "/name"')
    const broken = await peer.call({ method: 'Count', args, data: [{ upTo: 20 }] })
    expect(broken.code).toBe(statusBase + 11)
    expect(printed(broken.output).slice(-2)).toMatchObject([{ value: '12' }, { code: 11, message: '13 is unlucky' }])
  })

  test('ends a call by its deadline, and the handler is told', async ({ signal }) => {
    await using peer = await startPeer(signal)
    const waited = await peer.call({ method: 'Wait', args: ['-max-time', '0.3'] })
    expect(waited.code).toBe(statusBase + 4)
    const last = await peer.call({ method: 'LastEnd' })
    // Both sides have the time, and on a busy machine the one whose timer comes first tells the other much earlier.
    expect(last.output).toMatch(/deadline_exceeded|cancelled/)
  })
})
