import { Newest } from './newest.ts'
import type { Discovery, Instance, InstanceChange, Registrar, Registration } from './registry.ts'
import { takenOver } from './taken-over.ts'
import { toSnapshot } from './to-snapshot.ts'

/** A registry inside this process, for tests and for several services in one process. */
export function memoryRegistry(): Registrar & Discovery {
  return new MemoryRegistry()
}

interface Held {
  readonly instance: Instance
  readonly owner: AbortController
}

class MemoryRegistry implements Registrar, Discovery {
  readonly name = 'memory'
  readonly #held = new Map<string, Held>()
  readonly #watchers = new Set<() => void>()

  async announce(instance: Instance): Promise<Registration> {
    const owner = new AbortController()
    const before = this.#held.get(instance.id)
    this.#put({ instance, owner })
    before?.owner.abort(takenOver(instance.id))
    return {
      lost: owner.signal,
      update: async (change) => this.#update(instance.id, owner, change),
      withdraw: async () => this.#withdraw(instance.id, owner),
    }
  }

  async *watch(name: string, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<readonly Instance[]> {
    const snapshots = new Newest<readonly Instance[]>()
    const show = () => {
      const all = [...this.#held.values()].map(({ instance }) => instance)
      snapshots.put(toSnapshot(all.filter((instance) => instance.name === name)))
    }
    this.#watchers.add(show)
    show()
    try {
      yield* snapshots.read(signal)
    } finally {
      this.#watchers.delete(show)
    }
  }

  #update(id: string, owner: AbortController, change: InstanceChange): void {
    const held = this.#held.get(id)
    if (held?.owner === owner) this.#put({ owner, instance: { ...held.instance, ...change } })
  }

  #withdraw(id: string, owner: AbortController): void {
    if (this.#held.get(id)?.owner !== owner) return
    this.#held.delete(id)
    this.#changed()
  }

  #put(held: Held): void {
    this.#held.set(held.instance.id, { ...held, instance: Object.freeze(held.instance) })
    this.#changed()
  }

  #changed(): void {
    for (const show of this.#watchers) show()
  }
}
