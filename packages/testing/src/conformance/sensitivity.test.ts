import { type ErrorCode, errorCodes } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { altered, failuresOf, type Fault, mapped, onCall, onEvents, onReply } from './fault.test-harness.ts'
import { conformanceCases } from './conformance-cases.ts'
import type { ConformanceHarness, PeerEvent } from './harness.ts'
import { memoryHarness } from './memory-harness.ts'
import { limited, sizeFaults, sizeLimitBytes } from './size-fault.test-harness.ts'
import { streamFaults } from './stream-fault.test-harness.ts'

const onInput = (change: (one: unknown) => unknown) => onCall(({ input }) => ({ input: mapped(input, change) }))
const onOutput = (change: (one: unknown) => unknown) =>
  onReply((reply) => (reply.ok ? { ...reply, output: mapped(reply.output, change) } : reply))

const unpadded = <Entries extends Readonly<Record<string, string | undefined>>>(entries: Entries) =>
  mapped(entries, (one) => (typeof one === 'string' ? one.replace(/=+$/, '') : one)) as Entries

const faults: readonly Fault[] = [
  {
    what: 'takes the text "true" for true',
    alter: onInput((one) => (one === 'true' ? true : one)),
    found: ['input: the text "true" is no boolean'],
  },
  {
    what: 'takes the number 1 for true',
    alter: onInput((one) => (one === 1 ? true : one)),
    found: ['input: the number 1 is no boolean'],
  },
  {
    what: 'takes the text "1" for 1',
    alter: onInput((one) => (one === '1' ? 1 : one)),
    found: ['input: the text "1" is no integer'],
  },
  {
    what: 'takes null for absent',
    alter: onInput((one) => (one === null ? undefined : one)),
    found: ['input: null is not an absent field', 'value: null is a value where the schema has it'],
  },
  {
    what: 'rounds integers that are not safe',
    alter: onInput((one) => (typeof one === 'number' ? Math.min(one, Number.MAX_SAFE_INTEGER) : one)),
    found: ['value: an integer that is not safe is refused and never rounded'],
  },
  {
    what: 'carries 64-bit integers as doubles',
    alter: onInput((one) => (typeof one === 'string' && /^-?\d+$/.test(one) ? String(BigInt(Number(one))) : one)),
    found: ['value: 64-bit integers come through at both ends'],
  },
  {
    what: 'normalises text',
    alter: onInput((one) => (typeof one === 'string' ? one.normalize() : one)),
    found: ['value: a text with combining marks, which are not normalised comes through'],
  },
  {
    what: 'trims text',
    alter: onInput((one) => (typeof one === 'string' ? one.trim() : one)),
    found: ['value: a text of white space comes through'],
  },
  {
    what: 'makes well-formed what is not',
    alter: onInput((one) => (typeof one === 'string' ? one.toWellFormed() : one)),
    found: ['value: half of a surrogate pair is refused', 'value: half of a surrogate pair is refused by its place'],
  },
  {
    what: 'ends text at a null character',
    alter: onInput((one) => (typeof one === 'string' ? one.replace(/\0.*/s, '') : one)),
    found: ['value: a text with control characters comes through'],
  },
  {
    what: 'leaves out what is like nothing',
    alter: onInput((one) => (one === 0 || one === '' || one === false ? undefined : one)),
    found: [
      'value: values that are like nothing are what they are',
      'value: a default does not take the place of what is given',
    ],
  },
  {
    what: 'leaves out empty lists',
    alter: onInput((one) => (Array.isArray(one) && one.length === 0 ? undefined : one)),
    found: ['value: an empty object, list and record are what they are'],
  },
  {
    what: 'gives absent outputs as null',
    alter: onOutput((one) => (typeof one === 'object' && one !== null && 'name' in one ? { note: null, ...one } : one)),
    found: ['output: a field that is undefined is absent'],
  },
  {
    what: 'lets in whom the service refuses',
    alter: (peer) => ({
      call: async (call) => {
        const reply = await peer.call(call)
        if (reply.ok || reply.code !== 'permission_denied') return reply
        return peer.call({ ...call, metadata: { authorization: 'Bearer ada' } })
      },
    }),
    found: [
      'access: one of the roles is enough',
      'access: every one of the scopes is needed',
      'access: a check decides',
    ],
  },
  {
    what: 'drops credentials',
    alter: onCall(() => ({ metadata: {} })),
    found: ['access: authenticated lets every known caller in', 'metadata: what the caller sends reaches the handler'],
  },
  {
    what: 'drops details',
    alter: onReply((reply) => (reply.ok ? reply : { ...reply, details: undefined })),
    found: ['input: a field that is missing is refused by its name', 'error: when to try again is told'],
  },
  {
    what: 'names fields by their names alone',
    alter: onReply((reply) => {
      const violations = reply.ok ? undefined : (reply.details?.['violations'] as readonly { field: string }[])
      if (reply.ok || violations === undefined) return reply
      const named = violations.map((violation) => ({ ...violation, field: violation.field.replace(/^.*\//, '') }))
      return { ...reply, details: { violations: named } }
    }),
    found: [
      'input: a field that is missing deep inside is refused by its place',
      'value: a schema that others name is followed at each of its places',
    ],
  },
  {
    what: 'drops reasons',
    alter: onReply((reply) => (reply.ok ? reply : { ...reply, reason: undefined })),
    found: ['error: not_found is told with its reason'],
  },
  {
    what: 'drops headers',
    alter: onReply((reply) => ({ ...reply, headers: {} })),
    found: [
      'metadata: a header that the handler sets reaches the caller',
      'metadata: a header that the handler sets reaches the caller with an error too',
    ],
  },
  {
    what: 'drops trailers',
    alter: onReply((reply) => ({ ...reply, trailers: {} })),
    found: [
      'metadata: a trailer that the handler sets reaches the caller behind its reply',
      'metadata: a trailer that the handler sets reaches the caller with an error too',
    ],
  },
  {
    what: 'cuts the padding off bytes that a caller sends',
    alter: onCall(({ metadata }) => ({ metadata: unpadded(metadata) })),
    found: ['metadata: bytes reach the handler as base64', 'metadata: bytes go along with outgoing calls as they came'],
  },
  {
    what: 'cuts the padding off bytes that a handler sends',
    alter: onReply((reply) => ({
      ...reply,
      headers: unpadded(reply.headers),
      trailers: unpadded(reply.trailers ?? {}),
    })),
    found: [
      'metadata: bytes that the handler sets as a header reach the caller as base64',
      'metadata: bytes that the handler sets as a trailer reach the caller as base64',
    ],
  },
  {
    what: "does not tell the caller's time",
    alter: onCall(() => ({ timeoutMs: undefined })),
    found: [
      "deadline: the caller's time ends a call",
      "deadline: the caller's time counts where it is the smaller one",
    ],
  },
  {
    what: 'does not tell that the caller has left',
    alter: onCall(() => ({ signal: undefined })),
    found: ['cancel: a caller that leaves fires the signal of its call'],
  },
  {
    what: 'gathers a stream before it gives it',
    alter: onEvents(async function* (events) {
      const all: PeerEvent[] = []
      for await (const event of events) all.push(event)
      yield* all
    }),
    found: [
      'stream: an item reaches the caller before the next one is made',
      "stream: a caller that leaves the loop runs the generator's clean-up",
    ],
  },
  {
    what: 'ends a stream that failed as if it had not',
    alter: onEvents(async function* (events) {
      for await (const event of events) if ('item' in event) yield event
    }),
    found: [
      'stream: an error after some items ends the stream with its code',
      "stream: the operation's time ends a stream that goes on",
    ],
  },
  {
    what: 'loses the last item of a stream',
    alter: onEvents(async function* (events) {
      let last: PeerEvent | undefined
      for await (const event of events) {
        if (!('item' in event)) yield event
        else if (last) yield last
        if ('item' in event) last = event
      }
    }),
    found: ['stream: items reach the caller in their order', 'stream: a stream of a thousand items is whole'],
  },
  {
    what: 'sends the items of a caller in another order',
    alter: onCall(({ inputs }) => ({
      inputs:
        inputs &&
        (async function* () {
          const all: unknown[] = []
          for await (const input of inputs) all.unshift(input)
          yield* all
        })(),
    })),
    found: ['stream: items of the caller reach the handler in their order'],
  },
]

const groupOf = (title: string) => title.slice(0, title.indexOf(':'))

describe('a transport that is wrong in one thing fails the cases about it', () => {
  it.each([...faults, ...streamFaults])(
    'one that $what',
    async ({ alter, found }) => {
      const failures = await failuresOf(altered(alter), new Set(found.map(groupOf)))
      expect(failures).toEqual(expect.arrayContaining([...found]))
    },
    15_000,
  )

  const { 'limit.size': _none, ...lacks } = memoryHarness().lacks ?? {}
  const withLimit = (harness: ConformanceHarness): ConformanceHarness => ({ ...harness, lacks, sizeLimitBytes })

  it('and one that is right fails none', async () => {
    expect(await failuresOf(withLimit(altered(limited)), new Set(['size']))).toEqual([])
  })

  it.each(sizeFaults)('one that $what', async ({ alter, found }) => {
    expect(await failuresOf(withLimit(altered(alter)), new Set(['size']))).toEqual(found)
  })

  it.each(['flow', 'leave', 'streamed', 'size'])('and every case about %s is among them', (group) => {
    const titles = conformanceCases(withLimit(memoryHarness())).map(({ title }) => title)
    const found = new Set([...streamFaults, ...sizeFaults].flatMap((fault) => fault.found))
    expect(titles.filter((title) => title.startsWith(`${group}:`) && !found.has(title))).toEqual([])
    expect([...found].filter((title) => !titles.includes(title))).toEqual([])
  })

  const codes = Object.keys(errorCodes) as readonly ErrorCode[]
  it.each(codes.map((code, index) => [code, codes[(index + 1) % codes.length] ?? code] as const))(
    'one that tells %s as %s',
    async (code, other) => {
      const alter = onReply((reply) => (!reply.ok && reply.code === code ? { ...reply, code: other } : reply))
      const failures = await failuresOf({ ...altered(alter), caseLimitMs: 4_000 }, new Set(['error']))
      expect(failures).toContain(`error: ${code} is told with its reason`)
      expect(failures.filter((title) => title.endsWith('is told with its reason'))).toHaveLength(1)
    },
  )
})
