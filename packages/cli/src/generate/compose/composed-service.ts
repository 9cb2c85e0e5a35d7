import type { ServiceDescription } from '@tenon/core'

/** A service of the compose file, as far as it is known. */
export interface ComposedService {
  /** What it is made of, with the settings that the compose file and its own file give it. */
  readonly description: ServiceDescription
  /** What the file of its settings sets: nothing of it is set by the compose file. */
  readonly ownSettings: Readonly<Record<string, string>>
  readonly image: ImageSource
}

/** Where its image comes from; paths are those of the compose file. */
export type ImageSource =
  | { readonly image: string }
  | {
      readonly context: string
      /** Relative to the context. */
      readonly dockerfile: string
    }

/** The name of the file of its settings, beside the compose file. */
export function settingsFileOf({ name }: Pick<ServiceDescription, 'name'>): string {
  return `${name}.env`
}
