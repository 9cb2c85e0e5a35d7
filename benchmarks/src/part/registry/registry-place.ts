/** A registry that instances are published in and watched. */
export interface RegistryPlace {
  readonly name: string
  /** Of its server. */
  readonly address: string
  /** Most of what a watch may receive for a change, beside what the registry's own message for it is. */
  readonly target: number
  /** For the program that watches by a way of its own. */
  environment(port: number): Readonly<Record<string, string>>
  publish(name: string, count: number): Promise<Published>
}

/** Instances of one name. */
export interface Published extends AsyncDisposable {
  /** Each says "0" of itself in the beginning. */
  readonly ids: readonly string[]
  /** Lets one say something else of itself. */
  change(id: string, marker: string): Promise<void>
  /** How long the message is by which the registry tells of such a change, without headers. */
  messageBytes(): Promise<number>
}
