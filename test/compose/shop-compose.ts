import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** The part of a compose file that tests read. */
export interface ComposeFile {
  readonly name: string
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, object>>
}

export interface ComposeService {
  readonly build: { readonly context: string; readonly dockerfile: string }
  readonly environment: Readonly<Record<string, string>>
  readonly env_file: readonly string[]
  readonly ports: readonly string[]
  readonly user: string
  readonly read_only: boolean
  readonly init: boolean
  readonly stop_grace_period: string
  readonly tmpfs: readonly string[]
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
}

/** Where the compose file of the example is. */
export const deployFolder = fileURLToPath(new URL('../../examples/user-order/deploy', import.meta.url))

/** The compose file of the example, as it is committed. */
export function shopCompose(): ComposeFile {
  return parse(readFileSync(new URL('../../examples/user-order/deploy/compose.yaml', import.meta.url), 'utf8'))
}
