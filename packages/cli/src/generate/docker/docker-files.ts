import { posix } from 'node:path'
import type { GeneratedFile } from '../generated-file.ts'
import { tagOf } from '../version-tag.ts'
import { type BuiltPackage, isTakenWhole } from './built-package.ts'
import { dockerfile, type DockerfileParts } from './dockerfile.ts'
import { dockerfileName } from './dockerfile-name.ts'
import { dockerignore } from './dockerignore.ts'

/** What the files of an image are made of. */
export interface DockerParts extends Omit<DockerfileParts, 'howToBuild'> {
  /** From the project's root to where the files go, with `/`; empty for the root itself. */
  readonly folder: string
}

export interface DockerFiles {
  readonly files: readonly GeneratedFile[]
  /** Name and tag. */
  readonly image: string
  /** The command that builds it, in the project's root. */
  readonly buildCommand: string
  /** What is to be known of what goes into it. */
  readonly notes: readonly string[]
}

/** Dockerfile and .dockerignore of a service; in a workspace, which has several services, with its name. */
export function dockerFiles({ folder, ...parts }: DockerParts): DockerFiles {
  const { service, project } = parts
  const name = dockerfileName({ name: service.name, isWorkspace: project.isWorkspace, folder })
  const path = folder === '' ? name : `${folder}/${name}`
  const chosen = path === 'Dockerfile' ? '' : `-f ${path} `
  const image = `${service.name}:${tagOf(service.version)}`
  const buildCommand = `docker build ${chosen}-t ${image} .`
  const howToBuild = [`In the folder of package-lock.json: ${buildCommand}`]
  return {
    image,
    buildCommand,
    notes: project.packages.filter(isTakenWhole).map(wholeNote),
    files: [
      { path: name, text: dockerfile({ ...parts, howToBuild }) },
      {
        path: name === 'Dockerfile' ? '.dockerignore' : `${name}.dockerignore`,
        text: dockerignore(service.name, project),
      },
    ],
  }
}

function wholeNote({ folder }: BuiltPackage): string {
  const path = posix.join(folder, 'package.json')
  return `the image gets all of ${folder || 'the project'} that the .dockerignore lets pass: "files" of ${path} narrows it`
}
