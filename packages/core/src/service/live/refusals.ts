import type { Logger } from '../../telemetry/log.ts'
import { recordRefused } from '../../telemetry/config-metrics.ts'
import type { SettingReading } from '../config/read-config.ts'

interface Refused {
  readonly variable: string
  readonly text: string | undefined
}

/** The settings whose newest values cannot be used. Tells of each such value once, and of its end. */
export class Refusals {
  readonly #bySetting = new Map<string, Refused>()

  get variables(): readonly string[] {
    return [...new Set([...this.#bySetting.values()].map(({ variable }) => variable))]
  }

  note(
    readings: ReadonlyMap<string, SettingReading>,
    { service, log }: { readonly service: string; readonly log: Logger },
  ): void {
    for (const [setting, { refusal, text }] of readings) {
      const known = this.#bySetting.get(setting)
      if (refusal === undefined) {
        if (this.#bySetting.delete(setting))
          log.info({ setting, variable: known?.variable }, 'a setting can be used again')
        continue
      }
      if (known !== undefined && known.text === text) continue
      const { variable } = refusal
      this.#bySetting.set(setting, { variable, text })
      recordRefused({ service, variable })
      log.error({ ...refusal }, 'a new value of a setting cannot be used; the last good one stays in force')
    }
  }
}
