import { defineService } from '@tenon/core'
import { describe, expect, it } from 'vitest'
import { dockerFiles } from './docker-files.ts'
import type { DockerProject } from './docker-project.ts'
import { imageBases } from './image-base.ts'

const service = defineService({ name: 'greeting', version: '1.2.3', handlers: [], admin: { port: 9001 } }).describe()

const project: DockerProject = {
  root: '/project',
  isWorkspace: false,
  entry: 'dist/main.js',
  installed: [''],
  archives: [],
  packages: [{ folder: '', hasBuild: true, outputs: ['dist'], contents: ['dist'], buildFiles: [] }],
}

const slim = { image: 'node:24-bookworm-slim', node: 'node' }

function textsOf(parts: Partial<Parameters<typeof dockerFiles>[0]> = {}) {
  const { files, buildCommand, notes } = dockerFiles({ service, project, base: slim, folder: '', ...parts })
  const [docker, ignore] = files
  return {
    docker: docker?.text ?? '',
    ignore: ignore?.text ?? '',
    paths: files.map(({ path }) => path),
    buildCommand,
    notes,
  }
}

/** The instructions behind the last FROM. */
const lastStage = (text: string) => text.slice(text.lastIndexOf('\nFROM '))

describe('dockerFiles', () => {
  it('are named as Docker looks for them; in a folder of several, with the name of the service', () => {
    expect(textsOf()).toMatchObject({
      paths: ['Dockerfile', '.dockerignore'],
      buildCommand: 'docker build -t greeting:1.2.3 .',
    })
    expect(textsOf({ folder: 'deploy' })).toMatchObject({
      paths: ['greeting.Dockerfile', 'greeting.Dockerfile.dockerignore'],
      buildCommand: 'docker build -f deploy/greeting.Dockerfile -t greeting:1.2.3 .',
    })
  })

  it('are built as an image that Docker takes the tag of, whatever the version has in it', () => {
    const { docker, buildCommand } = textsOf({ service: { ...service, version: '1.0.0+abc' } })
    expect(buildCommand).toBe('docker build -t greeting:1.0.0-abc .')
    expect(docker.split('\n')[1]).toBe(`# In the folder of package-lock.json: ${buildCommand}`)
    expect(docker).toContain('org.opencontainers.image.version="1.0.0+abc"')
  })

  it('run node itself as nobody, with what the description says', () => {
    const { docker } = textsOf()
    const end = lastStage(docker)
    for (const line of [
      'ENV NODE_ENV=production TENON_HOST=0.0.0.0',
      'USER 65532:65532',
      'EXPOSE 9001',
      'STOPSIGNAL SIGTERM',
      'ENTRYPOINT ["node","dist/main.js"]',
    ])
      expect(end.split('\n')).toContain(line)
    expect(end).toContain('org.opencontainers.image.title="greeting"')
    expect(end).toContain('org.opencontainers.image.version="1.2.3"')
    expect(end).not.toContain('image.source')
    expect(end).not.toContain('RUN ')
    expect(docker).toContain(' npm ci --omit=dev \\\n')
    expect(docker).not.toContain('workspace')
  })

  it('look at the probe of readiness without a shell, on either base', () => {
    const { node } = imageBases['distroless'] ?? slim
    const { docker } = textsOf({ base: { image: 'gcr.io/some/nodejs:nonroot', node } })
    expect(docker).toContain('ARG RUN_IMAGE=gcr.io/some/nodejs:nonroot\n')
    expect(docker).toMatch(/HEALTHCHECK .*\n {2}CMD \["\/nodejs\/bin\/node","-e",".*port: 9001, path: '\/readyz'/)
    expect(docker).toContain('ENTRYPOINT ["/nodejs/bin/node","dist/main.js"]')
  })

  it('install nothing to build where nothing is built, and take the package as it is', () => {
    const packages = [{ folder: '', hasBuild: false, outputs: [], contents: ['.'], buildFiles: [] }]
    const { docker } = textsOf({ project: { ...project, entry: 'main.js', packages } })
    expect(docker.match(/npm ci/g)).toHaveLength(1)
    expect(docker).not.toContain('npm run')
    expect(docker).toContain('ENTRYPOINT ["node","main.js"]')
  })

  it('run no script of the project when npm installs, in either stage', () => {
    const { docker } = textsOf()
    const installations = docker
      .split('\n')
      .flatMap((line, index, lines) => (line.includes('npm ci') ? [lines[index - 1]] : []))
    expect(installations).toHaveLength(2)
    for (const line of installations)
      expect(line).toMatch(
        /^ {4}find \. -name package\.json -execdir npm pkg delete .*scripts\.postinstall .*scripts\.prepare .*\\; \\$/,
      )
  })

  it('give npm the packages that are files, and keep them out of the image', () => {
    const { docker } = textsOf({ project: { ...project, archives: ['vendor/a.tgz'] } })
    expect(docker.match(/^COPY vendor\/a\.tgz vendor\/$/gm)).toHaveLength(2)
    expect(docker).toContain(' && rm package-lock.json vendor/a.tgz \\\n')
  })

  it('look where the service answers probes when it has no admin server, and where a port is told', () => {
    const [transport] = [
      { name: 'http', carriesEvents: false, provides: [], probes: { '/live': 'livez', '/up': 'readyz' } },
    ] as const
    const at = (port: number) => ({ ...transport, listensAt: [{ protocol: 'http', host: '0.0.0.0', port }] as const })
    const described = (port: number) => ({
      ...service,
      admin: { port: 0, host: '0.0.0.0', hasToken: false },
      transports: [at(port)],
    })
    expect(textsOf({ service: described(3001) }).docker).toContain("{ port: 3001, path: '/up' }")
    expect(textsOf({ service: described(0) }).docker).not.toMatch(/EXPOSE|HEALTHCHECK/)
  })

  it('say nothing of ports and probes that a service does not have', () => {
    const { docker } = textsOf({
      service: defineService({ name: 'greeting', version: '1.2.3', handlers: [], admin: false }).describe(),
    })
    expect(docker).not.toMatch(/EXPOSE|HEALTHCHECK/)
  })

  it('name the source where it is told', () => {
    const { docker } = textsOf({ source: 'https://example.com/shop' })
    expect(docker).toContain('org.opencontainers.image.source="https://example.com/shop"')
  })

  it('give the build no secret and nothing that is made anew', () => {
    const { ignore } = textsOf()
    for (const line of ['**/.env', '**/*.env', '**/node_modules', '**/.git', 'dist', '**/*.key'])
      expect(ignore.split('\n')).toContain(line)
    expect(ignore.split('\n')).not.toContain('**')
  })

  it('give the build no key of any kind', () => {
    const lines = textsOf().ignore.split('\n')
    for (const name of [
      '*.p12',
      '*.pfx',
      '*.jks',
      'id_rsa*',
      'id_ed25519*',
      '.netrc',
      '.aws',
      '.kube',
      '.ssh',
      'kubeconfig',
    ])
      expect(lines).toContain(`**/${name}`)
    expect(textsOf().notes).toEqual([])
    // A build may be told by such files what to do.
    expect(lines).not.toContain('**/.*')
  })

  it('leave out of a package that is taken as it is what a laptop and tests have, and say how more is left out', () => {
    const taken = (folder: string) => ({
      folder,
      hasBuild: false,
      outputs: [],
      contents: [folder || '.'],
      buildFiles: [],
    })
    const { ignore, notes } = textsOf({ project: { ...project, packages: [taken('')] } })
    for (const line of ['**/.*', '**/*.sqlite', '**/*.db', 'test', 'tests']) expect(ignore.split('\n')).toContain(line)
    expect(notes).toEqual([
      'the image gets all of the project that the .dockerignore lets pass: "files" of package.json narrows it',
    ])
    const packages = [taken('packages/a'), ...project.packages]
    const ofWorkspace = textsOf({ project: { ...project, isWorkspace: true, packages } })
    expect(ofWorkspace.ignore.split('\n')).toEqual(expect.arrayContaining(['packages/a/**/.*', 'packages/a/test']))
    expect(ofWorkspace.notes).toEqual([expect.stringContaining('"files" of packages/a/package.json narrows it')])
  })
})
