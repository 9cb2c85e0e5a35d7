/** Where a Dockerfile goes. */
export interface DockerfilePlace {
  /** Of the service. */
  readonly name: string
  readonly isWorkspace: boolean
  /** From the project's root, with `/`; empty for the root itself. */
  readonly folder: string
}

/** What the Dockerfile of a service is called: `Dockerfile` in the root of a project that has one service, else with the name of the service. */
export function dockerfileName({ name, isWorkspace, folder }: DockerfilePlace): string {
  return isWorkspace || folder !== '' ? `${name}.Dockerfile` : 'Dockerfile'
}
