import { setTimeout as pause } from 'node:timers/promises'
import type { Instance, Registration } from '@tenon/core/registry'
import {
  type Alter,
  onInstances,
  onLists,
  onRegistration,
  onWatch,
  type RegistryFault,
} from './registry-fault.test-harness.ts'

const frozen = (list: readonly Instance[]) => Object.freeze([...list])

/** When a case has looked, and when it has gone on, which takes no time. */
const laterMs = 1_000
const soonMs = 100

const never = new AbortController().signal

const without = (name: keyof Instance) =>
  onInstances((instance) => {
    const { [name]: _left, ...rest } = instance
    return rest as Instance
  })

/** What a registry can do wrong, and the cases that find it. */
export const registryFaults: readonly RegistryFault[] = [
  {
    what: 'says nothing of a name that nobody has',
    alter: onWatch(async function* (lists) {
      for await (const list of lists) if (list.length > 0) yield list
    }),
    found: ['snapshot: the first list of a name that nobody has comes at once, and is empty'],
  },
  {
    what: 'begins with an empty list before it has asked',
    alter: onWatch(async function* (lists) {
      yield frozen([])
      yield* lists
    }),
    found: [
      'snapshot: the first list has all that is there',
      'announce: an instance is there when announce resolves',
      'watch: leaving the loop ends it',
    ],
  },
  {
    what: 'gives lists in the order of their announcement',
    alter: onLists((list) => Object.freeze(list.toReversed())),
    found: ['snapshot: a list is ordered by id, has each id once, and is frozen'],
  },
  {
    what: 'gives lists that can be changed',
    alter: onLists((list) => [...list]),
    found: ['snapshot: a list is ordered by id, has each id once, and is frozen'],
  },
  {
    what: 'gives an instance twice',
    alter: onLists((list) => Object.freeze(list.flatMap((one) => [one, one]))),
    found: ['snapshot: a list is ordered by id, has each id once, and is frozen'],
  },
  {
    what: 'gives all names that begin alike',
    habits: { isNameExact: false },
    found: ['snapshot: a list has the instances of its name only'],
  },
  {
    what: 'gives what has come, and not what was there',
    alter: onWatch(async function* (lists) {
      let before: readonly Instance[] = []
      for await (const list of lists) {
        const ids = new Set(before.map(({ id }) => id))
        yield frozen(list.filter(({ id }) => !ids.has(id)))
        before = list
      }
    }),
    found: ['snapshot: what comes and goes is seen, each time with all others'],
  },
  {
    what: 'shows nothing that goes',
    alter: onWatch(async function* (lists) {
      const all = new Map<string, Instance>()
      for await (const list of lists) {
        for (const one of list) all.set(one.id, one)
        yield frozen([...all.values()])
      }
    }),
    found: [
      'snapshot: what comes and goes is seen, each time with all others',
      'announce: an instance is gone when withdraw resolves, which is safe to call twice',
    ],
  },
  {
    what: 'gives up at a record that cannot be read',
    habits: { malformed: 'thrown' },
    found: ['snapshot: records that cannot be read are left out, and told of'],
  },
  {
    what: 'does not tell of records that cannot be read',
    habits: { malformed: 'hidden' },
    found: ['snapshot: records that cannot be read are left out, and told of'],
  },
  {
    what: 'tells every protocol as http',
    alter: onInstances((one) => ({ ...one, endpoints: one.endpoints.map((end) => ({ ...end, protocol: 'http' })) })),
    found: [
      'field: an endpoint, with protocol, host and port comes through',
      'field: several endpoints, each with its protocol and host comes through',
    ],
  },
  {
    what: 'tells the first endpoint only',
    alter: onInstances((one) => ({ ...one, endpoints: one.endpoints.slice(0, 1) })),
    found: ['field: several endpoints, each with its protocol and host comes through'],
  },
  {
    what: 'writes IPv6 addresses as in a URL',
    alter: onInstances((one) => ({
      ...one,
      endpoints: one.endpoints.map((end) => ({ ...end, host: end.host.includes(':') ? `[${end.host}]` : end.host })),
    })),
    found: ['field: an IPv6 address, as it was written comes through'],
  },
  {
    what: 'makes ids of its own',
    alter: onInstances((one) => ({ ...one, id: `x-${one.id}` })),
    found: ['field: the id comes through'],
  },
  {
    what: 'cuts what is behind the + of a version',
    alter: onInstances((one) => ({ ...one, version: one.version.replace(/\+.*/, '') })),
    found: ['field: a version with all that a version may have comes through'],
  },
  {
    what: 'tells no zone',
    alter: without('zone'),
    found: ['field: the zone, or that there is none comes through'],
  },
  {
    what: 'takes a weight of 0 for none',
    alter: onInstances((one) => ({ ...one, weight: one.weight || 1 })),
    found: ['field: the weight, which is 1 unless it is given comes through'],
  },
  {
    what: 'trims metadata',
    alter: onInstances(({ metadata = {}, ...one }) => ({
      ...one,
      metadata: Object.fromEntries(Object.entries(metadata).map(([key, text]) => [key, text.trim()])),
    })),
    found: ['field: metadata of any text, under keys of any form comes through'],
  },
  {
    what: 'tells no health',
    alter: without('health'),
    found: ['field: the health, which is serving unless it is given comes through'],
  },
  {
    what: 'keeps every list for a slow reader',
    alter: onWatch((lists) => {
      const kept: (readonly Instance[])[] = []
      const read = async () => {
        for await (const list of lists) kept.push(list)
      }
      void read()
      return (async function* () {
        for (;;) {
          const list = kept.shift()
          if (list) yield list
          else await pause(5)
        }
      })()
    }),
    found: ['watch: a slow reader is given the newest list, and not all that it has missed'],
  },
  {
    what: 'does not hear the signal of a watch',
    alter: (registry) => ({ watch: (name, options) => registry.watch(name, { ...options, signal: never }) }),
    found: [
      'watch: its signal ends a watch that waits',
      'watch: one whose signal has fired already ends without waiting for anything',
    ],
  },
  {
    what: 'does not end when a loop is left',
    alter: onWatch(async function* (lists) {
      try {
        yield* lists
      } finally {
        await pause(60_000, undefined, { ref: false })
      }
    }),
    found: ['watch: leaving the loop ends it'],
  },
  {
    what: 'has one watch for all readers of a name',
    alter: (registry) => {
      const ending = new AbortController()
      return {
        watch: (name, options) => {
          options.signal.addEventListener('abort', () => ending.abort())
          return registry.watch(name, { ...options, signal: ending.signal })
        },
      }
    },
    found: ['watch: two of the same name are independent'],
  },
  {
    what: 'cannot be closed twice',
    alter: ({ close }) => {
      let isClosed = false
      return {
        close: async () => {
          if (isClosed) throw new Error('it is closed')
          isClosed = true
          await close?.()
        },
      }
    },
    found: ['watch: close may be called twice, and leaves no connection'],
  },
  {
    what: 'leaves connections when it is closed',
    alter: () => ({ close: async () => undefined }),
    found: ['watch: close may be called twice, and leaves no connection'],
  },
  {
    what: 'says that it has announced before it has',
    alter: (registry) => ({
      announce: async (instance, options) => {
        const announcing = pause(laterMs).then(() => registry.announce(instance, options))
        return {
          lost: never,
          update: async (change, { signal }) => (await announcing).update(change, { signal }),
          withdraw: async ({ signal }) => (await announcing).withdraw({ signal }),
        }
      },
    }),
    found: [
      'announce: an instance is there when announce resolves',
      'outage: an announcement in it resolves when the instance is there, or rejects and leaves nothing',
      'outage: an announcement that is answered late is right all the same',
    ],
  },
  {
    what: 'says that it has withdrawn before it has',
    alter: onRegistration(({ withdraw }) => ({
      withdraw: async (options) => void pause(laterMs).then(() => withdraw(options)),
    })),
    found: [
      'announce: an instance is gone when withdraw resolves, which is safe to call twice',
      'outage: an announcement that is answered late is right all the same',
      'loss: an instance that the registry forgot is announced again',
    ],
  },
  {
    what: 'cannot withdraw what is withdrawn',
    alter: onRegistration(({ withdraw }) => {
      let isWithdrawn = false
      return {
        withdraw: async (options) => {
          if (isWithdrawn) throw new Error('there is nothing to withdraw')
          isWithdrawn = true
          await withdraw(options)
        },
      }
    }),
    found: [
      'announce: an instance is gone when withdraw resolves, which is safe to call twice',
      'announce: an instance may be announced again after it was withdrawn',
    ],
  },
  {
    what: 'does not tell whose id was taken over',
    habits: { isTakeoverTold: false },
    found: [
      'announce: an id that is announced again is taken over, and whoever had it learns so',
      'announce: one process may take over from itself, and may announce several',
    ],
  },
  {
    what: 'withdraws by the id alone',
    // What is renewed would be back at once.
    habits: { isOwnerChecked: false, renewMs: 60_000 },
    found: ['announce: withdrawing what was taken over leaves the new one alone'],
  },
  {
    what: 'does not tell of changes',
    alter: onRegistration(() => ({ update: async () => undefined })),
    found: [
      ...['weight', 'metadata', 'health'].map(
        (name) => `update: a change of ${name} is seen when update resolves, and leaves all else as it is`,
      ),
      'update: several changes add up',
    ],
  },
  {
    what: 'sets back what a change leaves out',
    alter: onRegistration(({ update }) => ({
      update: (change, options) => update({ weight: 1, metadata: {}, health: 'serving', ...change }, options),
    })),
    found: ['update: several changes add up'],
  },
  {
    what: 'announces again what was announced first',
    habits: { areUpdatesKept: false },
    found: ['update: a change is kept when the instance has to be announced again'],
  },
  {
    what: 'forgets a change that could not be told',
    alter: (registry) => ({
      announce: async (instance, options) => {
        let registration = await registry.announce(instance, options)
        const { lost } = registration
        return {
          lost,
          update: async (change, given) => {
            await registration.update(change, given).catch(async (error: unknown) => {
              await pause(soonMs)
              registration = await registry.announce(instance, options)
              throw error
            })
          },
          withdraw: (given) => registration.withdraw(given),
        }
      },
    }),
    found: ['update: a change that could not be told is told after the outage'],
  },
  {
    what: 'shows whose process died',
    place: () => ({ crash: async () => undefined }),
    found: ['loss: an instance whose process died disappears, and those that live stay'],
  },
  {
    what: 'does not renew',
    habits: { isRenewed: false, ttlMs: 300 },
    found: [
      'loss: an instance whose process died disappears, and those that live stay',
      'loss: an instance that the registry forgot is announced again',
    ],
  },
  {
    what: 'announces nothing again',
    habits: { isAnnouncedAgain: false, ttlMs: 300 },
    found: [
      'loss: an instance that the registry forgot is announced again',
      'loss: what is announced is there again when the registry was killed and started again',
      ...['cut', 'freeze'].map((how) => `outage: an instance is announced again after one that outlasted it (${how})`),
    ],
  },
  {
    what: 'ends watches in an outage',
    alter: (registry) => ({
      watch: (name, options) => {
        const ending = new AbortController()
        const onTrouble = (error: Error) => {
          options.onTrouble?.(error)
          ending.abort()
        }
        return registry.watch(name, { signal: AbortSignal.any([options.signal, ending.signal]), onTrouble })
      },
    }),
    found: [
      'outage: the last list stays, the watch goes on, and the trouble is told',
      'outage: the list is given again after it, changed or not',
      'outage: what changed during it is seen after it, and what changes later',
      'outage: a watch that begins in it shows the list after it',
      'outage: a long one changes nothing of that',
      'loss: a registry that is killed and started again is used again by a watch',
    ],
  },
  {
    what: 'shows nobody in an outage',
    alter: onTroubleGives(() => frozen([])),
    found: ['outage: the list is given again after it, changed or not'],
  },
  {
    what: 'cannot withdraw after an outage',
    alter: (registry) => {
      let isTroubled = false
      const told = () => void (isTroubled = true)
      return {
        watch: (name, { signal, onTrouble }) =>
          registry.watch(name, { signal, onTrouble: (error) => [told(), onTrouble?.(error)] }),
        announce: async (instance, options) => {
          const { withdraw, ...registration } = await registry.announce(instance, options)
          return { ...registration, withdraw: async (given) => (isTroubled ? undefined : withdraw(given)) }
        },
      }
    },
    found: ['outage: what was announced before it can be withdrawn after it'],
  },
  {
    what: 'tells nobody of an outage',
    alter: (registry) => ({ watch: (name, { signal }) => registry.watch(name, { signal }) }),
    found: [
      'outage: the last list stays, the watch goes on, and the trouble is told',
      'outage: a watch that begins in it shows the list after it',
    ],
  },
  {
    what: 'does not give again a list that an outage has not changed',
    habits: { isGivenAgain: false },
    found: ['outage: the list is given again after it, changed or not'],
  },
  {
    what: 'waits for ever on a connection that is half-open',
    habits: { requestLimitMs: 60_000, ttlMs: 300 },
    found: [
      'outage: a connection that is half-open is noticed, and what changed meanwhile is seen after it',
      'outage: an instance is announced again after one that outlasted it (freeze)',
    ],
  },
  {
    what: 'renews what was withdrawn',
    habits: { isRenewalEnded: false },
    found: ['loss: what was withdrawn does not come back, when what is left is announced again'],
  },
  {
    what: 'takes answers that come late for an outage',
    habits: { requestLimitMs: 25 },
    found: [
      'outage: answers that come late change nothing but the time',
      'outage: an announcement that is answered late is right all the same',
    ],
  },
  {
    what: 'announces what was withdrawn meanwhile',
    alter: (registry) => ({
      announce: async (instance, options) => {
        let announced: Registration | undefined
        const announcing = pause(soonMs).then(async () => (announced = await registry.announce(instance, options)))
        return {
          lost: never,
          update: async (change, { signal }) => (await announcing).update(change, { signal }),
          withdraw: async ({ signal }) => announced?.withdraw({ signal }),
        }
      },
    }),
    found: [
      'many: of instances that come and go 20 times those are there in the end that came last',
      'many: an instance that is announced and withdrawn 20 times is gone in the end, and one announced after it is not',
    ],
  },
  {
    what: 'gives a large list in parts',
    alter: onWatch(async function* (lists) {
      for await (const list of lists) {
        if (list.length > 500) yield frozen(list.slice(0, 500))
        yield list
      }
    }),
    found: ['many: one change among 1000 instances gives one list with all of them'],
  },
]

/** Gives a list of its own whenever there is trouble. */
function onTroubleGives(make: () => readonly Instance[]): Alter {
  return (registry) => ({
    watch: async function* (name, { signal, onTrouble }) {
      let isTroubled = false
      const told = (error: Error) => {
        isTroubled = true
        onTrouble?.(error)
      }
      const lists = registry.watch(name, { signal, onTrouble: told })[Symbol.asyncIterator]()
      try {
        let next = lists.next()
        while (!signal.aborted) {
          const step = await Promise.race([next, pause(5)])
          if (step?.done) return
          if (step) {
            yield step.value
            next = lists.next()
          } else if (isTroubled) yield make()
          isTroubled = false
        }
      } finally {
        await lists.return?.()
      }
    },
  })
}
