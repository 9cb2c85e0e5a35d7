import type { ConfigSpec, SettingsOf } from '../config/config.ts'

/**
 * A setting that follows its sources. Iterating over it gives its value at once and then each new one, of which a slow reader is given the
 * newest only; it ends when the service drains.
 */
export interface LiveSetting<T> extends AsyncIterable<T> {
  /** The newest good value. */
  readonly current: T
  /**
   * Calls the listener with every new value, until what it gives is disposed or the service drains. A listener that throws or rejects is
   * logged, and harms nobody.
   */
  onChange(listener: (value: T) => void): Disposable
}

/** The settings of a service as they were when it started, and what they have become. */
export type Settings<Config extends ConfigSpec> = SettingsOf<Config> & WatchedSettings<Config>

export interface WatchedSettings<Config extends ConfigSpec> {
  /**
   * The newest value of one setting, or of all of them: several that change together in a source come as one change. What reads a setting
   * itself, as `settings.rateLimit`, keeps the value of the start. Mounted files are looked at again from the first call on.
   *
   * @throws ConfigError `config.malformed` for a name that no setting has
   */
  readonly watch: Watch<Config>
}

export interface Watch<Config extends ConfigSpec> {
  (): LiveSetting<SettingsOf<Config>>
  <Name extends keyof Config>(name: Name): LiveSetting<SettingsOf<Config>[Name]>
}
