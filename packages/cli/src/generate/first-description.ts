import type { ServiceDescription } from '@tenon/core'
import { UnsetError } from '../child/described-service.ts'
import { FaultError } from '../command/command.ts'

type Settings = Readonly<Record<string, string>>

/** How a service is looked at before it is known which files of settings are its own. */
export interface FirstLook {
  describe(environment: Settings): Promise<ServiceDescription>
  /** What the user gave on the command line. */
  readonly given: Settings
  /** What the files of a service of this name set; nothing where there are none yet. */
  settingsOf?(service: string): Promise<Settings>
}

/**
 * Describes a service with nothing but what the code and the command line say; where that is not enough, with what its files set too.
 *
 * @throws FaultError that tells how to give what is not set
 */
export async function firstDescription({ describe, given, settingsOf }: FirstLook): Promise<ServiceDescription> {
  try {
    return await describe(given)
  } catch (error) {
    if (!(error instanceof UnsetError)) throw error
    if (settingsOf === undefined) throw hinted(error)
    const settings = await settingsOf(error.service)
    if (Object.keys(settings).length === 0) throw hinted(error, fileOfSettings)
    return describeWith({ describe, environment: { ...given, ...settings }, file: fileOfSettings })
  }
}

/**
 * Describes a service with what a file sets.
 *
 * @throws FaultError that tells how to give what is not set
 */
export async function describeWith({ describe, environment, file }: SecondLook): Promise<ServiceDescription> {
  try {
    return await describe(environment)
  } catch (error) {
    throw error instanceof UnsetError ? hinted(error, file) : error
  }
}

interface SecondLook extends Pick<FirstLook, 'describe'> {
  readonly environment: Settings
  /** Whose settings they are, for whoever reads the error. */
  readonly file: string
}

const fileOfSettings = 'its file of settings'

function hinted(error: UnsetError, file?: string): FaultError {
  const place = file === undefined ? '' : `in ${file}, or `
  const how = `${place}by --set NAME=value, such as --set USER_ADDRESS=static:///user:50051`
  return new FaultError(`${error.message}\n${error.service} cannot be described without: give it ${how}`, {
    cause: error,
  })
}
