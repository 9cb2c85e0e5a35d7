import type { Fault } from './fault.test-harness.ts'
import type { Peer, PeerCall, PeerFailure } from './harness.ts'

/** Of the transport that is right. */
export const sizeLimitBytes = 65_536

/** What becomes of an input; undefined for one that is refused. */
type Admit = (input: unknown) => unknown

/** What a memory transport needs to have a limit. */
export const limited = (peer: Peer) => limiting(peer, () => admitUpTo(sizeLimitBytes))

/** What a transport can do wrong with large inputs, and the cases that find it. */
export const sizeFaults: readonly Fault[] = [
  {
    what: 'refuses what is just below the limit',
    alter: (peer) => limiting(peer, () => admitUpTo(sizeLimitBytes - 2_048)),
    found: [
      'size: an input just below the limit comes through',
      'size: items of a stream may be larger together than each may be',
    ],
  },
  {
    what: 'cuts what is too large',
    alter: (peer) => limiting(peer, () => (input) => cut(input)),
    found: [
      'size: an input beyond the limit is resource_exhausted, and others are served on',
      'size: an item of a stream beyond the limit is resource_exhausted, and the handler is not given it',
    ],
  },
  {
    what: 'takes a stream for one input',
    alter: (peer) =>
      limiting(peer, () => {
        let leftBytes = sizeLimitBytes
        return (input) => {
          leftBytes -= sizeOf(input)
          return leftBytes < 0 ? undefined : input
        }
      }),
    found: ['size: items of a stream may be larger together than each may be'],
  },
  {
    what: 'tells of what is too large as of what is wrong',
    alter: (peer) => limiting(peer, () => admitUpTo(sizeLimitBytes), 'invalid_argument'),
    found: [
      'size: an input beyond the limit is resource_exhausted, and others are served on',
      'size: an item of a stream beyond the limit is resource_exhausted, and the handler is not given it',
    ],
  },
]

function admitUpTo(limitBytes: number): Admit {
  return (input) => (sizeOf(input) > limitBytes ? undefined : input)
}

function cut(input: unknown): unknown {
  const text: unknown = Reflect.get(Object(input), 'text')
  return typeof text === 'string' ? { text: text.slice(0, sizeLimitBytes) } : input
}

function sizeOf(input: unknown): number {
  return JSON.stringify(input).length
}

/** A peer that refuses in the service's place. `open` is asked for each call. */
function limiting(peer: Peer, open: () => Admit, code = 'resource_exhausted'): Partial<Peer> {
  const refusal: PeerFailure = { ok: false, code, message: 'too large', headers: {} }
  return {
    call: async (call: PeerCall) => {
      const admit = open()
      if (call.inputs === undefined) {
        const input = admit(call.input)
        return input === undefined ? refusal : peer.call({ ...call, input })
      }
      let isRefused = false
      const inputs = admitted(call.inputs, admit, () => {
        isRefused = true
      })
      const reply = await peer.call({ ...call, inputs })
      return isRefused ? refusal : reply
    },
  }
}

async function* admitted(inputs: AsyncIterable<unknown>, admit: Admit, refuse: () => void): AsyncGenerator<unknown> {
  for await (const given of inputs) {
    const input = admit(given)
    if (input === undefined) {
      refuse()
      throw new Error('the service reads no further')
    }
    yield input
  }
}
