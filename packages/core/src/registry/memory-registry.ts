import type { Discovery, Instance, Registrar, Registration } from './registry.ts'

/** A registry inside this process, for tests and for several services in one process. */
export function memoryRegistry(): Registrar & Discovery {
  return new MemoryRegistry()
}

class MemoryRegistry implements Registrar, Discovery {
  readonly #instances = new Map<string, Instance>()
  readonly #watchers = new Set<() => void>()

  async announce(instance: Instance): Promise<Registration> {
    this.#instances.set(instance.id, instance)
    this.#changed()
    return { lost: new AbortController().signal, withdraw: async () => this.#withdraw(instance) }
  }

  async *watch(name: string, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<readonly Instance[]> {
    while (!signal.aborted) {
      const changed = Promise.withResolvers<void>()
      const notify = () => changed.resolve()
      this.#watchers.add(notify)
      signal.addEventListener('abort', notify, { once: true })
      try {
        yield [...this.#instances.values()].filter((instance) => instance.name === name)
        await changed.promise
      } finally {
        this.#watchers.delete(notify)
        signal.removeEventListener('abort', notify)
      }
    }
  }

  #withdraw(instance: Instance): void {
    if (this.#instances.get(instance.id) !== instance) return
    this.#instances.delete(instance.id)
    this.#changed()
  }

  #changed(): void {
    for (const notify of this.#watchers) notify()
  }
}
