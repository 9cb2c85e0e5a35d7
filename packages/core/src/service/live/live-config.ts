import { ConfigError, type SetupProblem } from '../../error/setup-error.ts'
import type { Logger } from '../../telemetry/log.ts'
import { type ConfigReader, type ConfigSpec, isVariableName } from '../config/config.ts'
import { type ConfigPlaces, mergeLayers } from '../config/find-variables.ts'
import { compileHider } from '../config/hide-secrets.ts'
import { readConfig, refusalsOf, type SettingReading, toProblem, unknownNames } from '../config/read-config.ts'
import { isSecret, toSecret } from '../config/secret.ts'
import type { ChosenSource } from './config-sources.ts'
import { firstValues } from './first-values.ts'
import { FollowedSource, type SourceState } from './followed-source.ts'
import type { LiveSetting, Settings } from './live-setting.ts'
import { LiveValues } from './live-values.ts'
import { mountedFolder } from './mounted-folder.ts'
import { Refusals } from './refusals.ts'

/** What the settings of a service are read from. */
export interface LiveConfigParts<Config extends ConfigSpec> {
  readonly spec: Config
  readonly places: ConfigPlaces
  readonly sources: readonly ChosenSource[]
  /** Values by name of the setting, which count before any variable. */
  readonly given: Values
}

/** Who follows the settings. */
export interface FollowSite {
  readonly service: string
  readonly log: Logger
}

export interface OpenOptions {
  /** Fires when the start is given up. */
  readonly signal: AbortSignal
  /** How long the first values of the sources are waited for. */
  readonly timeoutMs: number
}

/** Settings as `/info` shows them. */
export interface ConfigState {
  /** Those that are followed; mounted folders only where settings are watched. */
  readonly sources: readonly SourceState[]
  /** Variables whose newest values cannot be used, so that the last good ones are in force. */
  readonly refused: readonly string[]
}

type Values = Readonly<Record<string, unknown>>

/** A guess: more than anybody still uses, and few enough to look for in every text. */
const mostFormerSecrets = 100

/** The settings of a service: as they are when it starts, and as they become. Until it is followed, nothing changes and nothing is connected. */
export class LiveConfig<Config extends ConfigSpec> {
  readonly #spec: Config
  readonly #places: ConfigPlaces
  readonly #chosen: readonly ChosenSource[]
  readonly #folders: readonly FollowedSource[]
  readonly #sources: readonly FollowedSource[]
  readonly #refusals = new Refusals()
  readonly #ending = new AbortController()
  readonly #values: LiveValues<Settings<Config>>
  readonly #problems: readonly SetupProblem[]
  #given: Values
  #readings: ReadonlyMap<string, SettingReading>
  /** The texts that the values in force were read from, by name of the setting. */
  #texts: ReadonlyMap<string, string | undefined> = new Map()
  #start: Settings<Config>
  #hide: (text: string) => string
  /** Known once the settings are in force. */
  #site: FollowSite | undefined
  #formerSecrets: readonly unknown[] = []
  #isWatched = false

  /** Reads what can be read at once. */
  constructor({ spec, places, sources, given }: LiveConfigParts<Config>) {
    this.#spec = spec
    this.#places = places
    this.#given = withSecrets(spec, given)
    this.#chosen = sources
    this.#sources = sources.map(({ source }) => new FollowedSource(source))
    this.#folders = places.folders.map((layer) => new FollowedSource(mountedFolder(layer.folder, layer), layer))
    this.#problems = [...unknownNames(spec, given), ...reservedNames(spec)]
    this.#readings = this.#read()
    this.#start = this.#toSettings(this.#readings)
    this.#hide = compileHider(this.#start)
    this.#values = new LiveValues(this.#start, (error) => this.#listenerFailed(error))
  }

  /** As they are when the service starts. With a problem, a setting has its reader's example. */
  get settings(): Settings<Config> {
    return this.#start
  }

  /** What is wrong with them. Of settings that have no value, sources may have one. */
  get problems(): readonly SetupProblem[] {
    return [...this.#problems, ...refusalsOf(this.#readings).map(toProblem)]
  }

  get sources(): readonly ChosenSource[] {
    return this.#chosen
  }

  /** Names of the sources that have told nothing yet. */
  get pending(): readonly string[] {
    return this.#sources.filter(({ hasTold }) => !hasTold).map(({ name }) => name)
  }

  get state(): ConfigState {
    const followed = [...this.#folders, ...this.#sources].filter(({ isFollowed }) => isFollowed)
    return { sources: followed.map(({ state }) => state), refused: this.#refusals.variables }
  }

  /** Writes `***` in the place of secrets: those of the start, the newest ones, and those that were in force in between. */
  hide(text: string): string {
    return this.#hide(text)
  }

  /**
   * Follows the sources, waits for what they say first, and begins with it.
   *
   * @throws ConfigError `config.source_unavailable` for required sources, or all that is wrong with the settings; the signal's reason
   */
  async open(site: FollowSite, { signal, timeoutMs }: OpenOptions): Promise<Settings<Config>> {
    for (const source of this.#sources) this.#follow(source, site)
    await firstValues(this.#sources, this.#chosen, { signal, timeoutMs, log: site.log })
    this.#readings = this.#read()
    return this.begin(site)
  }

  /**
   * Puts what was read in force, and follows it from now on.
   *
   * @throws ConfigError of all that is wrong with the settings
   */
  begin(site: FollowSite): Settings<Config> {
    const { problems } = this
    if (problems.length > 0) throw new ConfigError(problems)
    this.#site = site
    this.#texts = textsOf(this.#readings)
    this.#start = this.#toSettings(this.#readings)
    this.#hide = compileHider(this.#start)
    this.#values.put(this.#start)
    if (this.#isWatched) this.#followFolders(site)
    return this.#start
  }

  /**
   * Changes values that count before any variable.
   *
   * @throws ConfigError `config.malformed` for a name that no setting has
   */
  give(given: Values): void {
    const problems = unknownNames(this.#spec, given)
    if (problems.length > 0) throw new ConfigError(problems)
    this.#given = { ...this.#given, ...withSecrets(this.#spec, given) }
    this.#changed()
  }

  /** Nothing changes any more: who iterates over a setting comes to an end. Safe to call twice. */
  end(): void {
    this.#ending.abort()
    this.#values.end()
  }

  /** Ends, and releases what sources hold. @throws AggregateError of all that failed */
  async close(): Promise<void> {
    this.end()
    const followed = [...this.#folders, ...this.#sources].filter(({ isFollowed }) => isFollowed)
    const results = await Promise.allSettled(followed.map((source) => source.close()))
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    if (errors.length > 0) throw new AggregateError(errors, 'sources of settings could not be closed')
  }

  #read(): ReadonlyMap<string, SettingReading> {
    const layers = [...this.#folders, ...this.#sources, this.#places.dotEnv]
    return readConfig(this.#spec, { ...mergeLayers(this.#places.given, layers), given: this.#given })
  }

  #toSettings(readings: ReadonlyMap<string, { readonly value: unknown }>): Settings<Config> {
    const settings = Object.fromEntries([...readings].map(([name, { value }]) => [name, value]))
    const watch = (name?: string) => this.#watch(name)
    Object.defineProperty(settings, 'watch', { value: watch, enumerable: false })
    return Object.freeze(settings) as Settings<Config>
  }

  #watch(name?: string): LiveSetting<unknown> {
    if (name !== undefined && !Object.hasOwn(this.#spec, name))
      throw new ConfigError(unknownNames(this.#spec, { [name]: 0 }))
    this.#isWatched = true
    if (this.#site !== undefined) this.#followFolders(this.#site)
    return this.#values.live((all: Values) => (name === undefined ? all : all[name]))
  }

  #followFolders(site: FollowSite): void {
    for (const folder of this.#folders) this.#follow(folder, site)
  }

  #follow(source: FollowedSource, { log }: FollowSite): void {
    source.follow({
      signal: this.#ending.signal,
      variables: Object.values(this.#spec)
        .map(({ variable }) => variable)
        .filter(isVariableName),
      log,
      hide: (text) => this.#hide(text),
      changed: () => this.#changed(),
    })
  }

  /** Puts new values in force, all at once; those that are refused stay what they are. */
  #changed(): void {
    if (this.#site === undefined || this.#ending.signal.aborted) return
    const current: Values = this.#values.current
    const readings = this.#read()
    this.#refusals.note(readings, this.#site)
    const next = new Map([...readings].map(([name, reading]) => [name, this.#keep(name, reading, current[name])]))
    this.#texts = textsOf(next)
    const changed = [...next].filter(([name, { value }]) => !Object.is(value, current[name])).map(([name]) => name)
    if (changed.length === 0) return
    const settings = this.#toSettings(next)
    this.#hideAlso(changed.map((name) => current[name]))
    this.#hide = compileHider([...Object.values(this.#start), ...this.#formerSecrets, ...Object.values(settings)])
    this.#site.log.info({ settings: changed }, 'settings have changed')
    this.#values.put(settings)
  }

  /** Who was given a secret may still use it, and quote it. */
  #hideAlso(values: readonly unknown[]): void {
    this.#formerSecrets = [...this.#formerSecrets, ...values.filter(isSecret)].slice(-mostFormerSecrets)
  }

  /** What is in force after a reading. Of the same text it is the same value, which matters for lists and secrets. */
  #keep(name: string, reading: SettingReading, value: unknown): Pick<SettingReading, 'value' | 'text'> {
    const text = this.#texts.get(name)
    const isKept = reading.refusal !== undefined || (reading.text !== undefined && reading.text === text)
    return isKept ? { value, text } : reading
  }

  #listenerFailed(error: unknown): void {
    this.#site?.log.error({ err: error }, 'a listener of a live setting failed')
  }
}

function textsOf(readings: ReadonlyMap<string, Pick<SettingReading, 'text'>>): ReadonlyMap<string, string | undefined> {
  return new Map([...readings].map(([name, { text }]) => [name, text]))
}

/** A secret is one and the same from the moment it is given. */
function withSecrets(spec: ConfigSpec, given: Values): Values {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, spec[name]?.isSecret === true ? toSecret(value) : value]),
  )
}

function reservedNames(spec: Readonly<Record<string, ConfigReader<unknown>>>): readonly SetupProblem[] {
  if (!Object.hasOwn(spec, 'watch')) return []
  const message =
    'config: no setting can have the name watch, for settings.watch() follows the settings: give it another name'
  return [{ code: 'config.malformed', message }]
}
