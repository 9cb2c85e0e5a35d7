import type { Rule } from '../finding.ts'
import type { Field } from '../manifest/field.ts'
import { quantityOf } from '../manifest/quantity.ts'
import type { Subject } from '../subject.ts'

const requestsMissing: Rule = {
  id: 'requests-missing',
  severity: 'error',
  find: (subject) => {
    const resources = subject.container.at('resources')
    const missing = ['cpu', 'memory'].filter(
      (name) =>
        !resources.at('requests', name).isSet &&
        !resources.at('limits', name).isSet &&
        !isGiven(subject, name, ['defaultRequest', 'default', 'max', 'min']),
    )
    if (missing.length === 0) return []
    const message = `no request of ${missing.join(' and ')}: the scheduler puts the pod anywhere, and the node takes it away first when it is short`
    return [
      {
        at: resources.at('requests'),
        message,
        fix: 'requests: { cpu: 100m, memory: 256Mi }, with what the service uses under load',
      },
    ]
  },
}

const memoryLimitMissing: Rule = {
  id: 'memory-limit-missing',
  severity: 'error',
  find: (subject) => {
    const limit = subject.container.at('resources', 'limits', 'memory')
    if (limit.isSet || isGiven(subject, 'memory', ['default', 'max'])) return []
    const message = 'no memory limit: V8 sizes its heap by the whole node, and one that leaks takes others with it'
    return [{ at: limit, message, fix: 'limits: { memory: 512Mi }, with room above what the service uses under load' }]
  },
}

const cpuLimit: Rule = {
  id: 'cpu-limited',
  severity: 'warning',
  find: ({ container }) => {
    const limit = container.at('resources', 'limits', 'cpu')
    if (!limit.isSet) return []
    const message = `with a CPU limit (${limit.shown}) the process stands still for the rest of each 100 ms once it has used its share, at a start and under load, though the node has CPU to spare`
    return [{ at: limit, message, fix: 'leave the CPU limit out; the request keeps its share' }]
  },
}

const memoryTooSmall: Rule = {
  id: 'memory-too-small',
  severity: 'error',
  find: ({ container }) => {
    const limit = container.at('resources', 'limits', 'memory')
    const bytes = quantityOf(limit)
    if (bytes === undefined || bytes >= leastMemoryBytes) return []
    const message = `${limit.shown} is less than Node needs with a service in it (${mebibytes(leastMemoryBytes)} MiB): it is killed at its start or under little load`
    return [{ at: limit, message, fix: 'limits: { memory: 256Mi } or more' }]
  },
}

const heapOverLimit: Rule = {
  id: 'heap-over-limit',
  severity: 'error',
  find: ({ container, environment }) => {
    const limit = container.at('resources', 'limits', 'memory')
    const bytes = quantityOf(limit)
    const options = environment.variables.get('NODE_OPTIONS')
    const places: readonly (readonly [Field, string])[] = [
      ...(options?.value === undefined ? [] : [[options.at, options.value] as const]),
      ...['command', 'args'].map((name) => [container.at(name), wordsOf(container.at(name))] as const),
    ]
    return places.flatMap(([at, text]) => {
      const heapMebibytes = Number(/--max[-_]old[-_]space[-_]size[= ](\d+)/.exec(text)?.[1])
      if (bytes === undefined || !(heapMebibytes >= mebibytes(bytes))) return []
      const message = `V8 may use ${heapMebibytes} MiB for its heap, but the container has ${mebibytes(bytes)} MiB for all: it is killed without a word where V8 would collect garbage`
      return [
        { at, message, fix: `--max-old-space-size=${Math.floor(mebibytes(bytes) * heapShare)}, or a larger limit` },
      ]
    })
  },
}

export const resourceRules: readonly Rule[] = [
  requestsMissing,
  memoryLimitMissing,
  cpuLimit,
  memoryTooSmall,
  heapOverLimit,
]

/** A guess: a service with three transports has 94 MiB before the first call. */
const leastMemoryBytes = 128 * 2 ** 20

/** A guess: what a process has beside its heap, such as buffers and code. */
const heapShare = 0.75

/** Whether a LimitRange gives containers what was not written, by one of these fields. @see Kubernetes API reference, LimitRangeItem */
function isGiven({ manifests }: Subject, resource: string, fields: readonly string[]): boolean {
  return manifests
    .filter(({ kind }) => kind === 'LimitRange')
    .flatMap(({ root }) => root.at('spec', 'limits').items)
    .some((limit) => limit.at('type').text === 'Container' && fields.some((field) => limit.at(field, resource).isSet))
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20)
}

function wordsOf(list: Field): string {
  return list.items.map((word) => word.shown ?? '').join(' ')
}
