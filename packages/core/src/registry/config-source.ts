/**
 * A place that settings come from beside the environment and mounted files, such as the keys of a registry.
 *
 * An implementation guarantees that making it connects to nothing, and that an outage leaves the last known values in force: it goes on
 * by itself, and a watch neither throws nor ends before its signal fires. After an outage all of it is given again, changed or not.
 *
 * A key whose value cannot be read, such as bytes that are no text, keeps none of the others back: it is told once, when that begins, and the values
 * that can be read are given after it.
 */
export interface ConfigSource {
  /** For messages, such as `consul config/user/`. Shows no secret. */
  readonly name: string
  /** The servers it connects to, for whoever has to open a way to them: `host:port`, or a URL, of which nothing else is told. */
  readonly connectsTo?: readonly (string | { reveal(): string })[]
  /** Everything the source has, from now on: the first as soon as it is read, then after every change. A slow reader is given the newest only. */
  watch(options: ConfigWatchOptions): AsyncIterable<ConfigTexts>
  /** Releases its connections, when every watch has ended. Safe to call twice. */
  close?(): Promise<void>
}

/** Texts by name of the variable. A variable that is not there is not set; empty text is not set either. */
export type ConfigTexts = Readonly<Record<string, string>>

export interface ConfigWatchOptions {
  readonly signal: AbortSignal
  /** The variables that are asked for; others need not be told. */
  readonly variables: readonly string[]
  /**
   * Told when the source cannot be reached or refuses, or what it says cannot be read: once for each try. A single key whose value
   * cannot be read is told once, when that begins. Never throws.
   */
  readonly onTrouble?: (error: Error) => void
}
