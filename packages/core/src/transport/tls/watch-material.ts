import { dirname } from 'node:path'
import type { Logger } from '../../telemetry/log.ts'
import { filesOf, isSameMaterial, readTlsMaterial, type TlsMaterial } from './tls-material.ts'
import type { TlsSettings } from './tls-options.ts'
import { watchFolders } from './watch-folders.ts'

export interface MaterialWatch {
  readonly settings: TlsSettings
  /** What is in use. */
  readonly current: TlsMaterial
  readonly log: Logger
  /** Puts new material to use; called with what is known to be usable, and never with what is in use already. */
  readonly use: (material: TlsMaterial) => void
}

/**
 * A guess: how long the files of one renewal may take to be written. Certificate and key that are read between the two do not
 * fit together, which is logged, though nothing is wrong.
 */
const settleMs = 200

/** Looks at the files again when something changes in their folders, and from time to time. Stop it by disposing of it. */
export function watchMaterial(options: MaterialWatch): Disposable {
  const { settings } = options
  const files = filesOf(settings)
  if (files.length === 0) return { [Symbol.dispose]() {} }
  const reader = new MaterialReader(options)
  const watch = watchFolders(files.map(dirname), { ...settings, settleMs, changed: () => reader.read() })
  return {
    [Symbol.dispose]() {
      watch[Symbol.dispose]()
      reader.stop()
    },
  }
}

/** Reads one at a time; what is asked for meanwhile is done afterwards, once. */
class MaterialReader {
  readonly #options: MaterialWatch
  #current: TlsMaterial
  #toldReason = ''
  #isReading = false
  #isAskedAgain = false
  #isStopped = false

  constructor(options: MaterialWatch) {
    this.#options = options
    this.#current = options.current
  }

  read(): void {
    if (this.#isReading) this.#isAskedAgain = true
    else void this.#readAll()
  }

  stop(): void {
    this.#isStopped = true
  }

  async #readAll(): Promise<void> {
    this.#isReading = true
    do {
      this.#isAskedAgain = false
      await this.#readOnce()
    } while (this.#isAskedAgain && !this.#isStopped)
    this.#isReading = false
  }

  async #readOnce(): Promise<void> {
    const { settings, log, use } = this.#options
    try {
      const material = await readTlsMaterial(settings)
      this.#toldReason = ''
      if (this.#isStopped || isSameMaterial(material, this.#current)) return
      use(material)
      this.#current = material
      log.info({ files: filesOf(settings) }, 'new connections are served with the new certificate')
    } catch (error) {
      this.#tell(error)
    }
  }

  /** Once for each reason, not with every poll. */
  #tell(error: unknown): void {
    const reason = String(error)
    if (this.#isStopped || reason === this.#toldReason) return
    this.#toldReason = reason
    this.#options.log.error({ err: error }, 'the new certificate cannot be used; the server goes on with the old one')
  }
}
